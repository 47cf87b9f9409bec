interface Waiting<T> {
  item: T;
  done: () => void;
  failed: (error: unknown) => void;
}

/**
 * Writes what comes one by one in groups: the first goes at once, and what comes while it is being written goes together with the
 * next write, in the order it came. Nobody waits longer for it, and a crowd costs few writes.
 */
export class GroupedWrites<T> {
  private waiting: Waiting<T>[] = [];
  private isWriting = false;

  /**
   * @param write writes all of a group or nothing of it
   * @param isForAll whether a failure is nobody's own, so that another try without the others is of no use
   */
  constructor(
    private readonly write: (items: readonly T[]) => Promise<unknown>,
    private readonly isForAll: (error: unknown) => boolean,
    private readonly most = 500,
  ) {}

  /** Resolves when it is written, rejects when it cannot be. */
  add(item: T): Promise<void> {
    return new Promise((done, failed) => {
      this.waiting.push({ item, done, failed });
      if (!this.isWriting) void this.writeAll();
    });
  }

  private async writeAll(): Promise<void> {
    this.isWriting = true;
    while (this.waiting.length > 0) await this.writeGroup(this.waiting.splice(0, this.most));
    this.isWriting = false;
  }

  /** One that cannot be written does not take the others with it. */
  private async writeGroup(group: readonly Waiting<T>[]): Promise<void> {
    try {
      await this.write(group.map(({ item }) => item));
      for (const { done } of group) done();
    } catch (error) {
      if (group.length === 1 || this.isForAll(error)) for (const { failed } of group) failed(error);
      else for (const one of group) await this.writeGroup([one]);
    }
  }
}
