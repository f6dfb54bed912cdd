import { Marked, type Token, type Tokens } from 'marked'
import DOMPurify from 'dompurify'

export interface MarkdownBlock {
  raw: string
  html: string
}

const escapes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
const escape = (text: string): string => text.replace(/[&<>"']/g, (char) => escapes[char] ?? char)

/** Only addresses that a person can judge: no script, no data, no file. */
function safeHref(href: string): string | undefined {
  return /^(https?:|mailto:)/i.test(href) ? href : undefined
}

const marked = new Marked({
  gfm: true,
  breaks: true,
  renderer: {
    // What a model writes is text. HTML in it is shown, never run.
    html: ({ text }: Tokens.HTML | Tokens.Tag) => escape(text),
    // An image would tell its server that, and when, the answer was read: it becomes a link.
    image: ({ href, text }: Tokens.Image) => link(href, escape(text === '' ? href : text)),
    link({ href, tokens }: Tokens.Link) {
      return link(href, this.parser.parseInline(tokens))
    },
    code({ text, lang }: Tokens.Code) {
      const name = escape((lang ?? '').split(/\s/, 1)[0] ?? '')
      return (
        `<div class="code"><div class="code-head"><span>${name === '' ? 'text' : name}</span>` +
        `<button type="button" data-copy>Copy</button></div><pre tabindex="0"><code>${escape(text)}\n</code></pre></div>`
      )
    }
  }
})

function link(href: string, inner: string): string {
  const safe = safeHref(href)
  return safe == null
    ? inner
    : `<a href="${escape(safe)}" target="_blank" rel="noopener noreferrer nofollow">${inner}</a>`
}

/** HTML of one block of Markdown, not yet sanitized. */
export function toHtml(token: Token): string {
  return marked.parser([token])
}

export function lex(text: string): Token[] {
  return marked.lexer(text)
}

function sanitize(html: string): string {
  return DOMPurify.sanitize(html, {
    USE_PROFILES: { html: true },
    FORBID_TAGS: ['style', 'form', 'img', 'svg', 'math', 'video', 'audio', 'iframe'],
    FORBID_ATTR: ['style', 'id', 'name'],
    ADD_ATTR: ['target', 'tabindex', 'data-copy'],
    ALLOW_DATA_ATTR: false
  })
}

/**
 * Markdown as safe HTML, a block at a time. Blocks that `previous` holds already are reused, so that a growing answer
 * costs only its last block, and a selection in an earlier one survives.
 */
export function renderMarkdown(text: string, previous: readonly MarkdownBlock[] = []): MarkdownBlock[] {
  return lex(text)
    .filter((token) => token.type !== 'space')
    .map((token, index) => {
      const known = previous[index]
      return known?.raw === token.raw ? known : { raw: token.raw, html: sanitize(toHtml(token)) }
    })
}
