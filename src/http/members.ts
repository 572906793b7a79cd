import { z } from '@hono/zod-openapi'
import { addMember, listMembers, removeMember } from '../domain/members.ts'
import { type Member, MEMBER_ROLES } from '../model/entities.ts'
import { invalidBody } from '../model/errors.ts'
import { mapPage } from '../model/page.ts'
import { scopeOf } from '../wire/context.ts'
import { answer, jsonBody, operation } from './operation.ts'
import { newContactShape } from './participants.ts'
import { newRouter } from './router.ts'
import {
  InstantOut,
  MemberIdText,
  PageQuery,
  pageRequest,
  pageSchema,
  ParticipantIdText,
  StudyIdText,
  StudyPath,
  text,
} from './schemas.ts'

const tags = ['Members']

const MemberOut = z
  .object({
    id: z.string(),
    issuer: z.string(),
    subject: z.string(),
    role: z.enum(MEMBER_ROLES),
    participant: z.string().nullable(),
    email: z.string().nullable(),
    phone: z.string().nullable(),
    firstName: z.string().nullable(),
    lastName: z.string().nullable(),
    createdAt: InstantOut,
  })
  .openapi('Member', {
    example: {
      id: 'mem_01k9z3m8qe5w7v2n4h6j8k0r2t',
      issuer: 'https://login.example.org/',
      subject: 'user-7',
      role: 'staff',
      participant: null,
      email: 'grace@example.org',
      phone: null,
      firstName: 'Grace',
      lastName: null,
      createdAt: '2026-11-21T08:30:00.000Z',
    },
  })

const presentMember = ({ id, issuer, subject, role, participant, contact, createdAt }: Member) => ({
  id,
  issuer,
  subject,
  role,
  participant,
  email: contact.email,
  phone: contact.phone,
  firstName: contact.firstName,
  lastName: contact.lastName,
  createdAt: createdAt.toISOString(),
})

const add = operation(
  {
    method: 'post',
    path: '/studies/{study}/members',
    operationId: 'addMember',
    summary: "Give a JWT's subject a role in the study",
    tags,
    request: {
      params: StudyPath,
      body: jsonBody(
        z.strictObject({
          issuer: text(255).openapi({ description: "The token's `iss`, as the service's settings have it." }),
          subject: text(255).openapi({ description: "The token's `sub`: unique per issuer only." }),
          role: z.enum(MEMBER_ROLES),
          participant: ParticipantIdText.nullable()
            .default(null)
            .openapi({ description: 'Whom a member of role `participant` is.' }),
          ...newContactShape,
        }),
        { issuer: 'https://login.example.org/', subject: 'user-7', role: 'staff', email: 'grace@example.org' },
      ),
    },
    responses: { 201: answer('The member.', MemberOut) },
  },
  {
    problems: ['forbidden', 'study_not_found', 'participant_not_found', 'member_not_found', 'member_exists'],
    creates: true,
  },
)

const list = operation(
  {
    method: 'get',
    path: '/studies/{study}/members',
    operationId: 'listMembers',
    summary: 'List members, oldest first',
    tags,
    request: { params: StudyPath, query: z.strictObject(PageQuery) },
    responses: { 200: answer('A page.', pageSchema('MemberPage', MemberOut)) },
  },
  { problems: ['forbidden', 'study_not_found', 'cursor_invalid'] },
)

const remove = operation(
  {
    method: 'delete',
    path: '/studies/{study}/members/{member}',
    operationId: 'removeMember',
    summary: 'End a membership, and the links that it issued',
    tags,
    request: { params: z.object({ study: StudyIdText, member: MemberIdText }) },
    responses: { 204: { description: 'It has ended.' } },
  },
  { problems: ['forbidden', 'study_not_found', 'member_not_found'] },
)

export const members = newRouter()
  .openapi(add, async (c) => {
    const { issuer, subject, role, participant, ...contact } = c.req.valid('json')
    if ((role === 'participant') !== (participant !== null)) {
      throw invalidBody([{ pointer: '/participant', message: 'Belongs to role `participant`, and to that alone.' }])
    }
    const member = await addMember(scopeOf(c), c.req.valid('param').study, {
      issuer,
      subject,
      role,
      participant,
      contact,
    })
    return c.json(presentMember(member), 201)
  })
  .openapi(list, async (c) => {
    const page = await listMembers(scopeOf(c), c.req.valid('param').study, pageRequest(c.req.valid('query')))
    return c.json(mapPage(page, presentMember), 200)
  })
  .openapi(remove, async (c) => {
    const { study, member } = c.req.valid('param')
    await removeMember(scopeOf(c), study, member)
    return c.body(null, 204)
  })
