import { PAYLOAD } from './chromium.ts'

/**
 * A file that is made to do harm, and what Chromium does with it: shows it as its type, or saves it under a name, which is
 * the file's but for what Chromium never lets into one: signs that a system gives a meaning, and those that have no width
 * or turn round what follows. A PDF is shown where it comes from storage, and saved where it comes from Carrel.
 */
export type HostileFile = Readonly<{
  name: string
  type: string
  bytes: string
  saved: string
  shown?: 'always' | 'from storage'
}>

const SCRIPT = `<script>${PAYLOAD}</script>`
const PAGE = `<!doctype html><title>a</title>${SCRIPT}<img src=x onerror="${PAYLOAD}"><svg onload="${PAYLOAD}">`
const XHTML = `<html xmlns="http://www.w3.org/1999/xhtml"><body>${SCRIPT}</body></html>`
const SVG = `<svg xmlns="http://www.w3.org/2000/svg" onload="${PAYLOAD}">${SCRIPT}</svg>`
const STYLED = [
  '<?xml version="1.0"?><?xml-stylesheet type="text/xsl" href="#s"?><!DOCTYPE a [<!ATTLIST xsl:stylesheet id ID #IMPLIED>]>',
  '<a><xsl:stylesheet id="s" version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">',
  `<xsl:template match="/"><html>${SCRIPT}</html></xsl:template></xsl:stylesheet></a>`,
].join('')
/** A picture to who looks at its first bytes, a program and a page to who looks at the others. */
const POLYGLOT = `GIF89a/*\u0001\u0000${PAGE}*/=1;${PAYLOAD}`

const html = (name: string, saved: string): HostileFile => ({ name, type: 'text/html', bytes: PAGE, saved })

export const HOSTILE_FILES: readonly HostileFile[] = [
  html('page.html', 'page.html'),
  { name: 'picture.svg', type: 'image/svg+xml', bytes: SVG, saved: 'picture.svg' },
  { name: 'page.xhtml', type: 'application/xhtml+xml', bytes: XHTML, saved: 'page.xhtml' },
  { name: 'styled.xml', type: 'text/xml', bytes: STYLED, saved: 'styled.xml' },
  { name: 'program.js', type: 'text/javascript', bytes: PAYLOAD, saved: 'program.js' },
  { name: 'picture.gif', type: 'image/gif', bytes: POLYGLOT, saved: 'picture.gif', shown: 'always' },
  { name: 'notes.html', type: 'text/plain', bytes: PAGE, saved: 'notes.html', shown: 'always' },
  { name: 'guess', type: 'unknown/unknown', bytes: PAGE, saved: 'guess' },
  { name: 'report.html', type: 'application/pdf', bytes: PAGE, saved: 'report.html', shown: 'from storage' },
  html('invoice.pdf', 'invoice.pdf'),
  html('photo\u202egpj.html', 'photo_gpj.html'),
  html('a"; filename="b\\c.html', 'a_; filename=_b_c.html'),
  html('a%0d%0aSet-Cookie: sid=1', 'a%0d%0aSet-Cookie_ sid=1'),
  html('100%41.html', '100%41.html'),
  html('=?UTF-8?Q?evil=2Ehtml?=', '=_UTF-8_Q_evil=2Ehtml_='),
  html('../../etc/passwd', '_.._etc_passwd'),
  html('report.pdf     .html', 'report.pdf     .html'),
  html('👩‍❤️‍💋‍👨 é e\u0301.html', '👩_❤️_💋_👨 é \u00e9.html'),
]
