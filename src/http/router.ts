import { OpenAPIHono } from '@hono/zod-openapi'
import { TrieRouter } from 'hono/router/trie-router'
import type { AppEnv } from '../wire/context.ts'
import { refuseInvalid } from './validation.ts'

/**
 * A router whose invalid requests end as problems, like everything else that goes wrong. Paths are matched a segment at a
 * time: to Hono's default router the colon of `files:delete` begins a parameter, which any text after `files` would fill.
 */
export const newRouter = () => new OpenAPIHono<AppEnv>({ defaultHook: refuseInvalid, router: new TrieRouter() })
