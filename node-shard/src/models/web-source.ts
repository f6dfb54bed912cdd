import { ModelFetchError } from './errors.ts'

/** Where hf: names lead. `HF_ENDPOINT` is what the hub's own tools read, for mirrors. */
const HUB = 'https://huggingface.co'

/** True for `hf:owner/repository/file` and for web addresses. */
export function isWebSource(text: string): boolean {
  return /^(hf:|https?:\/\/)/i.test(text)
}

/**
 * The address of a GGUF file on the web.
 *
 * @param text - `hf:owner/repository/path/to/file.gguf`, with `@revision` after the repository where it is not `main`, or
 * an https address; one of a file's page on the hub will do
 * @throws ModelFetchError BAD_ORIGIN with a sentence, where it is neither
 */
export function webUrl(text: string, hub = process.env['HF_ENDPOINT'] ?? HUB): string {
  if (/^hf:/i.test(text)) {
    const match = /^hf:\/{0,2}([\w.-]+)\/([\w.-]+)(?:@([\w.-]+))?\/([\w./-]+\.gguf)$/i.exec(text)
    if (match == null || text.includes('..')) {
      throw new ModelFetchError('BAD_ORIGIN', `"${text}" is no file of the hub: write hf:owner/repository/file.gguf.`)
    }
    const [, owner = '', repository = '', revision = 'main', file = ''] = match
    return `${hub.replace(/\/$/, '')}/${owner}/${repository}/resolve/${revision}/${file}`
  }
  const url = URL.parse(text)
  // without TLS only on this machine: nothing says whose bytes they are before they are imported
  const local = url != null && ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname)
  if (url == null || (url.protocol !== 'https:' && !local) || url.username !== '') {
    throw new ModelFetchError('BAD_ORIGIN', `"${text}" is no https address of a GGUF file.`)
  }
  url.hash = ''
  url.pathname = url.pathname.replace(/^(\/[^/]+\/[^/]+)\/blob\//, '$1/resolve/')
  return url.href
}
