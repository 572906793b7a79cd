import { layout } from './layout.tsx'
import { type Language, TEXTS } from './texts.ts'

/** What is at `/`: people come here by shortening a link, study teams for the console, developers by starting the service. */
export function LandingPage({ language = 'en' }: Readonly<{ language?: Language }> = {}) {
  const texts = TEXTS[language]
  const children = (
    <>
      <p>{texts.landingWhat}</p>
      <p>{texts.landingPeople}</p>
      <h2>{texts.landingTeams}</h2>
      <ul>
        <li>
          <a href="/console/">{texts.landingConsole}</a>
        </li>
      </ul>
      <h2>{texts.landingDevelopers}</h2>
      <ul>
        <li>
          <a href="/docs/">{texts.landingReference}</a>
        </li>
        <li>
          <a href="/openapi.json">{texts.landingApi}</a>
        </li>
        <li>
          <a href="/health">{texts.landingHealth}</a>
        </li>
      </ul>
    </>
  )
  return layout({ language, title: texts.landingTitle, children })
}
