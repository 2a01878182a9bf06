/** Randomness as the client sees it: for jitter and for the choice of partitions. Never for secrets. */
export interface Random {
  /** A fraction in [0, 1). */
  fraction(): number;
}
