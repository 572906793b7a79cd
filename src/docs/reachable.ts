import type { Element, Props, Wrapper } from 'swagger-ui-dist/swagger-ui-es-bundle.js'

const nothing: Wrapper = () => () => null
const having =
  (more: Props): Wrapper =>
  (original, { React }) =>
  (props) =>
    React.createElement(original, { ...props, ...more })
const within =
  (tag: string, about: Props, before: (element: Element) => unknown = () => null): Wrapper =>
  (original, { React: { createElement } }) =>
  (props) =>
    createElement(tag, about, before(createElement), createElement(original, props))
const heading = (text: string, className: string) => (element: Element) => element('h2', { className }, text)

/** What Swagger UI lacks for those who hear a page, or have no mouse. */
export const reachable: Readonly<Record<string, Wrapper>> = {
  // A link and a button inside of a button, which hide each other.
  DeepLink:
    () =>
    ({ text }) =>
      text,
  CopyToClipboardBtn: nothing,
  // There is one server, this one; the list of it has no label.
  ServersContainer: nothing,
  InfoContainer: within('section', { 'aria-label': 'About' }),
  AuthorizeBtnContainer: within('section', { 'aria-label': 'Authorization' }, heading('Authorization', 'unseen')),
  authorizationPopup: within('div', { role: 'dialog', 'aria-modal': true, 'aria-label': 'Authorization' }),
  FilterContainer: within('section', { 'aria-label': 'Filter' }),
  operations: within('div', {}, heading('Operations', 'operations-heading')),
  TextArea: having({ 'aria-label': 'Request body' }),
  // They have words, and other names for who hears them.
  Button: having({ 'aria-label': undefined }),
  CloseIcon: within('span', { role: 'img', 'aria-label': 'Close' }),
}
