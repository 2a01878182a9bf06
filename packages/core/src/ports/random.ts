/** Randomness as the core sees it. Adapters: the system's generator, or a seeded one. */
export interface Random {
  /** A fraction in [0, 1). */
  fraction(): number;
  /** 16 random bytes that form a version 4 uuid, never Kafka's reserved ids. */
  uuidBytes(): Buffer;
}
