/**
 * What a mechanism has to say, and how it takes the answers. `first` goes out, each answer is given to `next`, until
 * that returns null: the broker is taken for who it is.
 */
export interface SaslExchange {
  readonly first: () => Promise<Buffer>;
  /** @throws Error when the broker does not prove what it has to */
  readonly next: (answer: Buffer) => Promise<Buffer | null>;
}
