/** What has to be undone, in reverse order. Node 24's AsyncDisposableStack, as far as it is needed, for Node 22 too. */
export class Cleanup implements AsyncDisposable {
  #steps: Array<() => unknown> = []

  defer(step: () => unknown): void {
    this.#steps.push(step)
  }

  /** Hands the steps over: this one undoes nothing any more. */
  move(): Cleanup {
    const moved = new Cleanup()
    moved.#steps = this.#steps
    this.#steps = []
    return moved
  }

  /** Does all steps, whatever fails; then throws the first failure. */
  async [Symbol.asyncDispose](): Promise<void> {
    const failures: unknown[] = []
    for (let step = this.#steps.pop(); step != null; step = this.#steps.pop()) {
      try {
        await step()
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) {
      throw failures[0]
    }
  }
}
