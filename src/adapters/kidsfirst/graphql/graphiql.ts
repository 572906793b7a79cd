import type { Context } from 'hono'
import type { AppEnv } from '../../../wire/context.ts'
import { runtimeOf } from '../../../runtime.ts'

// The page to try GraphQL in. What it is made of comes from elsewhere, so it says what exactly that must be: the digests
// are those of the files in the packages as they were published.

const CDN = 'https://cdn.jsdelivr.net/npm'
const STYLE = {
  url: `${CDN}/graphiql@3.8.3/graphiql.min.css`,
  digest: 'sha384-Mq3vbRBY71jfjQAt/DcjxUIYY33ksal4cgdRt9U/hNPvHBCaT2JfJ/PTRiPKf0aM',
}
const SCRIPTS = [
  {
    url: `${CDN}/react@18.3.1/umd/react.production.min.js`,
    digest: 'sha384-DGyLxAyjq0f9SPpVevD6IgztCFlnMF6oW/XQGmfe+IsZ8TqEiDrcHkMLKI6fiB/Z',
  },
  {
    url: `${CDN}/react-dom@18.3.1/umd/react-dom.production.min.js`,
    digest: 'sha384-gTGxhz21lVGYNMcdJOyq01Edg0jhn/c22nsx0kyqP0TxaV5WVdsSH1fSDUf5YJj1',
  },
  {
    url: `${CDN}/graphiql@3.8.3/graphiql.min.js`,
    digest: 'sha384-HbRVEFG0JGJZeAHCJ9Xm2+tpknBQ7QZmNlO/DgZtkZ0aJSypT96YYGRNod99l9Ie',
  },
]

/** Callers are known by a header alone, which the page has a field for. */
const START = `ReactDOM.createRoot(document.getElementById('graphiql')).render(
  React.createElement(GraphiQL, {
    fetcher: GraphiQL.createFetcher({ url: location.pathname }),
    defaultHeaders: JSON.stringify({ Authorization: 'Bearer ' }, null, 2),
    shouldPersistHeaders: false,
  }),
)`

const policyFor = (nonce: string) =>
  [
    "default-src 'none'",
    `script-src ${SCRIPTS.map(({ url }) => url).join(' ')} 'nonce-${nonce}'`,
    `style-src ${STYLE.url} 'unsafe-inline'`,
    'font-src data:',
    'img-src data:',
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')

const pageWith = (nonce: string) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>GraphiQL</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>body { margin: 0 } #graphiql { height: 100vh }</style>
<link rel="stylesheet" href="${STYLE.url}" integrity="${STYLE.digest}" crossorigin="anonymous">
</head>
<body>
<div id="graphiql"></div>
${SCRIPTS.map(({ url, digest }) => `<script src="${url}" integrity="${digest}" crossorigin="anonymous"></script>`).join('\n')}
<script nonce="${nonce}">${START}</script>
</body>
</html>
`

/** Undefined: there is no page here, or nobody asks for one. */
export function answerGraphiql(c: Context<AppEnv>): Response | undefined {
  const { introspection } = runtimeOf(c.env).settings.graphql
  if (!introspection || c.req.query('query') !== undefined) return undefined
  if (!(c.req.header('Accept') ?? '').includes('text/html')) return undefined
  const nonce = crypto.randomUUID()
  return c.body(pageWith(nonce), 200, {
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Security-Policy': policyFor(nonce),
  })
}
