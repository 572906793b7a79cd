import { html, raw } from 'hono/html'
import type { PropsWithChildren } from 'hono/jsx'
import { STYLE } from './style.ts'
import { type Language, TEXTS } from './texts.ts'

type LayoutProps = PropsWithChildren<{ language: Language; title: string }>

/** The frame of every page; `title` is its one h1 as well. */
export function layout({ language, title, children }: LayoutProps) {
  return html`<!doctype html>${(
      <html lang={language === 'zh' ? 'zh-Hans' : language} dir={TEXTS[language].direction}>
        <head>
          <meta charset="utf-8" />
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <meta name="color-scheme" content="light dark" />
          <title>{title}</title>
          {/* Unescaped, or the text would not have the hash that the headers name. It is a constant. */}
          <style>{raw(STYLE)}</style>
        </head>
        <body>
          <main>
            <h1>{title}</h1>
            {children}
          </main>
        </body>
      </html>
    )}`
}
