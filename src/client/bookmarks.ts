/** The last place that is known in the history of each study's database, by the study's id. */
export type Bookmarks = Readonly<Record<string, string>>

/** Remembers them, so that reads find what was written before them and may still be answered by the nearest copy. */
export class BookmarkShelf {
  readonly #known: Map<string, string>

  constructor(known: Bookmarks = {}) {
    this.#known = new Map(Object.entries(known))
  }

  of(study: string): string | undefined {
    return this.#known.get(study)
  }

  /** Answers may overtake each other: the later bookmark stays, and the order of their text is that of time. */
  note(study: string, bookmark: string | null): void {
    if (bookmark !== null && bookmark > (this.of(study) ?? '')) this.#known.set(study, bookmark)
  }

  /** To be kept, or handed to another process that shall see what was written here. */
  export(): Bookmarks {
    return Object.fromEntries(this.#known)
  }

  import(bookmarks: Bookmarks): void {
    for (const [study, bookmark] of Object.entries(bookmarks)) this.note(study, bookmark)
  }
}
