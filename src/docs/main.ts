// What `/docs/` runs: Swagger UI on the service's own description. It is built with all it needs and asks nobody else for
// anything; a key that is typed in is in the page's memory only.

import SwaggerUI from 'swagger-ui-dist/swagger-ui-es-bundle.js'
import { reachable } from './reachable.ts'

/** Swagger UI has dark colours, and leaves it to the page to say when. */
const dark = matchMedia('(prefers-color-scheme: dark)')
const darken = () => document.documentElement.classList.toggle('dark-mode', dark.matches)
dark.addEventListener('change', darken)
darken()

SwaggerUI({
  dom_id: '#reference',
  url: '/openapi.json',
  // Otherwise the address of a service on the open net goes to swagger.io, which is to look whether it is valid.
  validatorUrl: null,
  deepLinking: true,
  displayRequestDuration: true,
  filter: true,
  // What is highlighted has too little contrast, and scrolls where no key gets at it.
  syntaxHighlight: { activated: false },
  plugins: [{ wrapComponents: reachable }],
})
