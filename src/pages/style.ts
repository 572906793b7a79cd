/** The only style there is, inline in every page: the pages load nothing. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --paper: #faf8f4;
  --ink: #22262a;
  --quiet: #5a6068;
  --accent: #1d5c47;
  --on-accent: #fff;
}
@media (prefers-color-scheme: dark) {
  :root { --paper: #171a1c; --ink: #e9e6e0; --quiet: #a9afb6; --accent: #93d3b9; --on-accent: #10221b; }
}
*, ::before, ::after { box-sizing: border-box; }
body {
  margin: 0;
  min-height: 100vh;
  min-height: 100svh;
  display: grid;
  align-content: safe center;
  justify-content: center;
  padding: 2rem 1.25rem;
  background: var(--paper);
  color: var(--ink);
  font: 1.125rem/1.6 system-ui, sans-serif;
  overflow-wrap: anywhere;
}
main { max-width: 32rem; }
h1 { margin: 0 0 1rem; font-size: 1.875rem; line-height: 1.2; text-wrap: balance; }
h2 { margin: 2rem 0 0.5rem; font-size: 1.125rem; }
p { margin: 0 0 1rem; text-wrap: pretty; }
ul { margin: 0; padding: 0; list-style: none; }
li a { display: inline-block; padding: 0.375rem 0; }
time { font-weight: 600; }
a { color: var(--accent); }
button {
  display: block;
  width: 100%;
  min-height: 3.25rem;
  margin: 1.75rem 0;
  padding: 0.75rem 1.5rem;
  border: 2px solid transparent;
  border-radius: 0.625rem;
  background: var(--accent);
  color: var(--on-accent);
  font: inherit;
  font-weight: 600;
  cursor: pointer;
}
button:hover { filter: brightness(1.12); }
button:active { filter: brightness(0.92); }
a:focus-visible, button:focus-visible { outline: 3px solid var(--accent); outline-offset: 3px; border-radius: 0.625rem; }
.quiet { color: var(--quiet); font-size: 1rem; }
`

/** Lets the browser apply STYLE and no other; a test says what it must be after STYLE has changed. */
export const STYLE_HASH = 'sha256-XVIeEnmTU3b8w+QoCRyiGWh+X2uLm+NJ7K5mhAf60/M='
