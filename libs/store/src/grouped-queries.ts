interface Waiting<T, Answer> {
  item: T;
  done: (answer: Answer) => void;
  failed: (error: unknown) => void;
}

interface Grouping<T> {
  /** Whether a failure is nobody's own, so that another try without the others is of no use. */
  isForAll: (error: unknown) => boolean;
  /** Two items of the same key are never in the same group: the later one waits for the next. */
  keyOf?: (item: T) => unknown;
  most?: number;
}

/**
 * Asks the database in groups for what comes one by one: the first goes at once, and what comes while it is under way goes together
 * with the next query, in the order it came. Nobody waits longer for it, and a crowd costs few queries.
 */
export class GroupedQueries<T, Answer = void> {
  private waiting: Waiting<T, Answer>[] = [];
  private isUnderWay = false;

  /** @param query does all of a group or nothing of it; it answers each item, in their order */
  constructor(
    private readonly query: (items: readonly T[]) => Promise<readonly Answer[]>,
    private readonly grouping: Grouping<T>,
  ) {}

  /** Resolves with what the query answers to this item, rejects when it cannot be done. */
  add(item: T): Promise<Answer> {
    return new Promise((done, failed) => {
      this.waiting.push({ item, done, failed });
      if (!this.isUnderWay) void this.askAll();
    });
  }

  private async askAll(): Promise<void> {
    this.isUnderWay = true;
    while (this.waiting.length > 0) await this.askGroup(this.nextGroup());
    this.isUnderWay = false;
  }

  private nextGroup(): Waiting<T, Answer>[] {
    const { keyOf, most = 500 } = this.grouping;
    if (!keyOf) return this.waiting.splice(0, most);
    const group = new Map<unknown, Waiting<T, Answer>>();
    const later: Waiting<T, Answer>[] = [];
    for (const one of this.waiting) {
      const key = keyOf(one.item);
      if (group.size < most && !group.has(key)) group.set(key, one);
      else later.push(one);
    }
    this.waiting = later;
    return [...group.values()];
  }

  /** One that cannot be done does not take the others with it. */
  private async askGroup(group: readonly Waiting<T, Answer>[]): Promise<void> {
    try {
      const answers = await this.query(group.map(({ item }) => item));
      for (const [index, { done }] of group.entries()) done(answers[index]!);
    } catch (error) {
      if (group.length === 1 || this.grouping.isForAll(error)) for (const { failed } of group) failed(error);
      else for (const one of group) await this.askGroup([one]);
    }
  }
}
