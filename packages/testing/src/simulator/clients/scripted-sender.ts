import { Producer } from '@odradek/client';
import type { World } from '../cluster/world.ts';
import type { SendEvent } from '../../history/history.ts';
import { clientProcess, simulatedEnvironment } from './client-process.ts';
import type { Load } from './load.ts';

/** A record that was sent, and what is known of it by now. */
export interface Sent {
  outcome: SendEvent['outcome'] | null;
}

/** Sends when it is told to, to partition 0; an idempotent producer where acks=all is asked for. */
export class ScriptedSender {
  private readonly world: World;
  private readonly load: Load;
  private readonly name: string;
  private readonly acks: 'all' | 'leader';
  private readonly producer: Producer;
  private sequence = 0;
  private unsettled = 0;

  constructor(
    world: World,
    load: Load,
    { name, number, acks }: { name: string; number: number; acks: 'all' | 'leader' },
  ) {
    this.world = world;
    this.load = load;
    this.name = name;
    this.acks = acks;
    this.producer = new Producer({
      bootstrapServers: load.bootstrapServers,
      environment: simulatedEnvironment(world, clientProcess(world, name, number)),
      clientId: name,
      acks: acks === 'all' ? -1 : 1,
      idempotent: acks === 'all',
      lingerMs: 0,
      requestTimeoutMs: 3_000,
      connectionSetupTimeoutMs: 2_000,
      deliveryTimeoutMs: 20_000,
      retryBackoffMs: 50,
      retryBackoffMaxMs: 500,
    });
  }

  get isDone(): boolean {
    return this.unsettled === 0;
  }

  send(): Sent {
    const { world, load, name, acks } = this;
    const sequence = this.sequence++;
    const value = `${name}:${sequence}`;
    const startMs = world.time.nowMs;
    const sent: Sent = { outcome: null };
    this.unsettled += 1;
    void this.producer.enqueue(
      { topic: load.topic, partition: 0, value: Buffer.from(value) },
      (error, metadata) => {
        this.unsettled -= 1;
        sent.outcome = error === null ? 'ok' : 'unknown';
        const offset = metadata === null || metadata.offset < 0 ? null : metadata.offset;
        world.trace.note(`${value} is ${error === null ? `at ${offset}` : `unknown: ${error.message}`}`);
        load.history.push({
          type: 'send',
          process: name,
          sequence,
          partition: `${load.topic}-0`,
          value,
          outcome: sent.outcome,
          offset,
          acks,
          idempotent: acks === 'all',
          startMs,
          endMs: world.time.nowMs,
        });
      },
    );
    return sent;
  }
}
