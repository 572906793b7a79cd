/** What is used of Swagger UI, which comes without types. */
declare module 'swagger-ui-dist/swagger-ui-es-bundle.js' {
  export type Props = Readonly<Record<string, unknown>>
  export type Component = (props: Props) => unknown
  export type Element = (tag: string | Component, props: Props, ...children: readonly unknown[]) => unknown
  export type System = Readonly<{ React: Readonly<{ createElement: Element }> }>
  export type Wrapper = (original: Component, system: System) => Component
  type Options = Readonly<{
    dom_id: string
    url: string
    validatorUrl: null
    deepLinking: boolean
    displayRequestDuration: boolean
    filter: boolean
    syntaxHighlight: Readonly<{ activated: boolean }>
    plugins: readonly Readonly<{ wrapComponents: Readonly<Record<string, Wrapper>> }>[]
  }>
  export default function SwaggerUI(options: Options): void
}
