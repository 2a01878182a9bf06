/** What becomes of a payment: its value begins with it. */
export const FATES = { paid: 'paid', late: 'late', bank: 'bank', never: 'never' } as const;

export interface DeadLetterWorkerSettings {
  readonly bootstrapServers: string;
  readonly topic: string;
  readonly groupId: string;
  readonly delaysMs: readonly number[];
  /** Where payments are written: the value of the record, and the topic that it came by. */
  readonly payments: string;
  /** Payments that need the bank fail until this file is there. */
  readonly bankOpens: string;
}
