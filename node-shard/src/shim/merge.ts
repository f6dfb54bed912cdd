/**
 * Items of several sources as they come, each source in its own order. It is done when all are; the first error ends it.
 *
 * @param leave - makes sources that are waiting end; called when this generator ends, however it does
 */
export async function* merge<T>(
  sources: Array<AsyncGenerator<T, void, undefined>>,
  leave: () => void
): AsyncGenerator<T, void, undefined> {
  const pending = new Map(sources.map((source) => [source, step(source)]))
  try {
    while (pending.size > 0) {
      const { source, result } = await Promise.race(pending.values())
      // to the end of the line, so that a fast source does not keep the others waiting
      pending.delete(source)
      if (result.done !== true) {
        pending.set(source, step(source))
        yield result.value
      }
    }
  } finally {
    leave()
    await Promise.all(
      [...pending].map(async ([source, next]) => {
        await next.catch(() => undefined)
        await source.return()
      })
    )
  }
}

interface Step<T> {
  source: AsyncGenerator<T, void, undefined>
  result: IteratorResult<T, void>
}

async function step<T>(source: AsyncGenerator<T, void, undefined>): Promise<Step<T>> {
  return { source, result: await source.next() }
}
