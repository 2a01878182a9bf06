import type { Socket } from 'node:net';
import type { Sockets } from '@odradek/client/ports/sockets.ts';
import type { Clock, Timers } from '@odradek/core/ports/clock.ts';
import type { Codecs } from '@odradek/core/ports/codecs.ts';
import type { Random } from '@odradek/core/ports/random.ts';

/**
 * What one broker process has of the machine under it, besides disk and coordination tree: time, chance, network.
 * Adapters: the real one (`node-machine.ts`), and a simulated one in `packages/testing`.
 */
export interface Machine {
  readonly clock: Clock;
  readonly timers: StoppableTimers;
  readonly random: Random;
  readonly codecs: Codecs;
  /** Connections to other brokers. */
  readonly sockets: Sockets;
  /** How many files of logs may be open at one time. */
  openFilesMax(): number;
  /** Does not take the address yet. */
  acceptor(address: AcceptorAddress, events: AcceptorEvents): Acceptor;
  /** Resolves once everybody else who has something to do had a turn. */
  nextTurn(): Promise<void>;
}

export interface StoppableTimers extends Timers {
  /** From here on none fires. */
  stop(): void;
}

export interface AcceptorAddress {
  /** Empty: every address of the machine. */
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  readonly backlog: number;
}

export interface AcceptorEvents {
  /** @param socket paused */
  connected(socket: Socket): void;
  failed(error: Error): void;
}

/** Takes connections at one address. */
export interface Acceptor {
  /** Takes the address. Rejects with the system's error when it cannot be had. @returns the port, also when 0 was asked */
  bind(): Promise<number>;
  /** Takes no further connections; `done` comes once those that it took are gone. */
  close(done: () => void): void;
}
