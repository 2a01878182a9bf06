import type { ErrorName } from '@odradek/protocol/errors.ts';

/** What happens to a request that a fault hits. */
export type FaultEffect =
  /** Nothing is done, and every item of the request is answered with this error. */
  | { readonly kind: 'error'; readonly error: ErrorName }
  /** It is handled this many milliseconds later, 0 to 600,000; what follows on its connection waits, as in Kafka. */
  | { readonly kind: 'delay'; readonly delayMs: number }
  /** Nothing is done and nothing answered: the client waits until its own timeout. */
  | { readonly kind: 'drop-request' }
  /** It is done, and not answered: the client cannot know. */
  | { readonly kind: 'drop-answer' }
  /** The connection ends, and nothing is done. */
  | { readonly kind: 'cut' }
  /** It is done, and instead of the answer the connection ends. */
  | { readonly kind: 'cut-after' };

/** Which requests a fault hits, and how. What is not named is not asked for: `{ effect }` alone hits everything. */
export interface FaultRule {
  /** Names of Kafka's APIs: Produce, Fetch, OffsetCommit, ... */
  readonly apis?: readonly string[];
  /** Requests that name this topic, whatever else they name. */
  readonly topic?: string;
  /** Requests of this group: joining, heartbeats, commits, ... */
  readonly group?: string;
  readonly clientId?: string;
  /** Ids of the brokers that it happens at. */
  readonly brokers?: readonly number[];
  /** Whose requests: those of clients (the default), of other brokers, or of both. */
  readonly from?: 'clients' | 'brokers' | 'anybody';
  /** How many matching requests pass before the first is hit; 0 by default. */
  readonly skip?: number;
  /** How many are hit before the fault is over; no end by default. */
  readonly times?: number;
  /** Chance of each to be hit, above 0 and up to 1 (the default). Passing by chance does not count. */
  readonly probability?: number;
  readonly effect: FaultEffect;
}

/** A fault that is laid, and what came of it. */
export interface Fault {
  readonly id: number;
  readonly rule: FaultRule;
  /** Requests that it has hit. */
  readonly hits: number;
  /** All its `times` are used up. */
  readonly isOver: boolean;
}

/** A request as rules see it. */
export interface FaultSubject {
  readonly api: string;
  readonly topics: readonly string[];
  readonly groups: readonly string[];
  readonly clientId: string | null;
  readonly brokerId: number;
  readonly fromBroker: boolean;
}

/** Whether a rule means this request; how often it may be hit is not looked at. */
export function means(rule: FaultRule, subject: FaultSubject): boolean {
  const { from = 'clients' } = rule;
  return (
    (from === 'anybody' || subject.fromBroker === (from === 'brokers')) &&
    (rule.apis?.includes(subject.api) ?? true) &&
    (rule.brokers?.includes(subject.brokerId) ?? true) &&
    (rule.topic === undefined || subject.topics.includes(rule.topic)) &&
    (rule.group === undefined || subject.groups.includes(rule.group)) &&
    (rule.clientId === undefined || subject.clientId === rule.clientId)
  );
}
