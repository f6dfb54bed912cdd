import { describe, expect, it } from 'vitest'
import fc from 'fast-check'
import { lex, toHtml } from './markdown.ts'

const html = (text: string): string => lex(text).map(toHtml).join('')

describe('Markdown', () => {
  it('shows HTML as text', () => {
    expect(html('<img src=x onerror=alert(1)> and <b>bold</b>')).not.toMatch(/<(img|b)\b/)
    expect(html('<script>alert(1)</script>')).not.toContain('<script')
  })

  it('turns an image into a link, so that nothing is fetched', () => {
    expect(html('![a cat](https://example.org/cat.png)')).toContain('<a href="https://example.org/cat.png"')
    expect(html('![a cat](https://example.org/cat.png)')).not.toContain('<img')
  })

  it('keeps only links that a person can judge', () => {
    expect(html('[x](javascript:alert(1))')).not.toContain('href')
    expect(html('[x](data:text/html,hi)')).not.toContain('href')
    expect(html('[x](https://example.org/?a=1&b=2)')).toContain('href="https://example.org/?a=1&amp;b=2"')
    expect(html('[x](https://example.org)')).toContain('rel="noopener noreferrer nofollow"')
  })

  it('gives a code block a name and a button, and escapes what is in it', () => {
    const block = html('```ts onclick="x"\nconst a = 1 < 2 && "<b>"\n```')
    expect(block).toContain('<span>ts</span>')
    expect(block).toContain('data-copy')
    expect(block).toContain('1 &lt; 2 &amp;&amp; &quot;&lt;b&gt;&quot;')
  })

  it('makes no element of any text but those of Markdown', () => {
    const allowed =
      /^<\/?(p|h[1-6]|ul|ol|li|a|code|pre|em|strong|del|blockquote|hr|br|table|thead|tbody|tr|th|td|div|span|button|input)[\s>/]/
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...Array.from('<>"\'`*_[]()!#-|\n &;:=/ abimgscript')) }),
        (text) => {
          for (const tag of html(text).match(/<[^>]*>?/g) ?? []) expect(`${tag}>`).toMatch(allowed)
        }
      )
    )
  })
})
