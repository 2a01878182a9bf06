import { asError } from '@odradek/client/index.ts';
import { KafkaJSNonRetriableError } from './errors.ts';
import type { Logger } from './logging.ts';

/** What a listener is told. */
export interface InstrumentationEvent<Payload> {
  /** Counts the events of this process. */
  readonly id: number;
  readonly type: string;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  readonly payload: Payload;
}

export type RemoveInstrumentationEventListener = () => void;

type Listener = (event: never) => unknown;

let lastId = 0;

/** The events of one producer, consumer or admin, and who listens to them. */
export class Instrumentation<Events extends Readonly<Record<string, string>>> {
  readonly events: Events;
  private readonly owner: string;
  private readonly logger: Logger;
  private readonly listeners = new Map<string, Set<Listener>>();

  /** @param owner as it is called in `owner.events` */
  constructor(owner: string, events: Events, logger: Logger) {
    this.owner = owner;
    this.events = events;
    this.logger = logger;
  }

  /** @returns what takes the listener off again @throws KafkaJSNonRetriableError when there is no such event */
  on(eventName: string, listener: Listener): RemoveInstrumentationEventListener {
    if (!Object.values(this.events).includes(eventName)) {
      const known = Object.keys(this.events).map((key) => `${this.owner}.events.${key}`);
      throw new KafkaJSNonRetriableError(`Event name should be one of ${known.join(', ')}`);
    }
    // The same function may listen twice, as with Node's emitters.
    const own: Listener = (event) => listener(event);
    const listening = this.listeners.get(eventName) ?? new Set();
    this.listeners.set(eventName, listening.add(own));
    return () => void listening.delete(own);
  }

  hasListeners(eventName: string): boolean {
    return (this.listeners.get(eventName)?.size ?? 0) > 0;
  }

  /** A listener that fails is logged; the others are told all the same. */
  emit(eventName: string, payload: unknown = null): void {
    const listening = this.listeners.get(eventName);
    if (listening === undefined || listening.size === 0) return;
    const event = { id: lastId++, type: eventName, timestamp: Date.now(), payload };
    for (const listener of listening) {
      this.call(eventName, () => listener(event as never));
    }
  }

  private call(eventName: string, listener: () => unknown): void {
    const failed = (thrown: unknown): void => {
      const { message, stack } = asError(thrown);
      this.logger.error(`Failed to execute listener: ${message}`, { eventName, stack });
    };
    try {
      Promise.resolve(listener()).catch(failed);
    } catch (thrown) {
      failed(thrown);
    }
  }
}
