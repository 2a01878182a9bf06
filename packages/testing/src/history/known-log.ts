import type { HistoryEvent, SendEvent, TransactionEvent } from './history.ts';

/** What a history tells of one partition, of all clients together. */
export class KnownLog {
  readonly partition: string;
  /** Values by offset, more than one where clients were told different things. */
  readonly valuesAt = new Map<number, string[]>();
  readonly offsetsOf = new Map<string, number[]>();
  readonly readValues = new Set<string>();
  highestRead = -1;

  constructor(partition: string) {
    this.partition = partition;
  }

  sent(value: string, offset: number): void {
    remember(this.valuesAt, offset, value);
    remember(this.offsetsOf, value, offset);
  }

  read(value: string, offset: number): void {
    this.sent(value, offset);
    this.readValues.add(value);
    this.highestRead = Math.max(this.highestRead, offset);
  }
}

function remember<Key, Value>(map: Map<Key, Value[]>, key: Key, value: Value): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, [value]);
  else if (!known.includes(value)) known.push(value);
}

/** A history, sorted into what the single judgements ask for. */
export class Evidence {
  readonly logs = new Map<string, KnownLog>();
  readonly sends = new Map<string, SendEvent>();
  readonly transactions = new Map<string, TransactionEvent>();

  /** @throws when two sends carry one value, or two transactions one id: such a history cannot be judged */
  constructor(history: Iterable<HistoryEvent>) {
    for (const event of history) this.take(event);
  }

  private take(event: HistoryEvent): void {
    if (event.type === 'send') {
      if (this.sends.has(event.value)) throw new Error(`two sends carry the value ${event.value}`);
      this.sends.set(event.value, event);
      if (isKept(event) && event.offset !== null) this.log(event.partition).sent(event.value, event.offset);
    } else if (event.type === 'poll') {
      for (const { partition, offset, value } of event.records) this.log(partition).read(value, offset);
    } else if (event.type === 'transaction') {
      if (this.transactions.has(event.id)) throw new Error(`two transactions have the id ${event.id}`);
      this.transactions.set(event.id, event);
    }
  }

  log(partition: string): KnownLog {
    let log = this.logs.get(partition);
    if (log === undefined) this.logs.set(partition, (log = new KnownLog(partition)));
    return log;
  }

  /** The transaction that wrote a value; null outside of transactions. */
  writerOf(value: string): TransactionEvent | null {
    const id = this.sends.get(value)?.transaction;
    return id === undefined ? null : (this.transactions.get(id) ?? null);
  }

  /** Whether those who read committed data must be shown the value. */
  isCommitted(value: string): boolean {
    const transaction = this.sends.get(value)?.transaction;
    return transaction === undefined || this.transactions.get(transaction)?.outcome === 'committed';
  }
}

/** Whether the acknowledgement of a send is a promise: with acks=1 a record may go with its leader. */
export function isKept(send: SendEvent): boolean {
  return send.outcome === 'ok' && send.acks === 'all';
}
