// What the scenarios run against: a broker that can be killed and started again on its port and data.
export interface Target {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** host:port. */
  readonly bootstrap: string;
  readonly pid: number;
  /** From the start of the process to its first answer. */
  readonly startedInMs: number;
  kill(): Promise<void>;
  shutDown(): Promise<void>;
  startAgain(): Promise<void>;
  stop(): Promise<void>;
}

export const targetNames = ['odradek', 'kafka-3.9', 'kafka-4.4'] as const;
export type TargetName = (typeof targetNames)[number];

export interface TargetOptions {
  overrides?: Record<string, string>;
  /** Where clients reach it; a free port by default. Kafka takes none but its own choice. */
  port?: number;
  /** The core that the broker is pinned to. */
  core?: number;
  /** For tests, not benchmarks: a JVM that starts faster and runs slower. */
  quickStart?: boolean;
}
