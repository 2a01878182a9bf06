import {
  ANY_VERSION,
  type Coordination,
  type CoordinationErrorCode,
  type CreateMode,
  type NodeContents,
  type Stat,
  type Watch,
  type WatchEvent,
  type WriteOperation,
  type WriteResult,
} from '../../src/ports/coordination.ts';
import { CoordinationError } from '../../src/ports/coordination.ts';
import assert from 'node:assert/strict';

/** A session whose calls can be awaited, for tests. */
export class PromisedSession {
  readonly raw: Coordination;

  constructor(raw: Coordination) {
    this.raw = raw;
  }

  write(...operations: WriteOperation[]): Promise<readonly WriteResult[]> {
    return new Promise((resolve, reject) => {
      this.raw.write(operations, (error, results) => (error === null ? resolve(results) : reject(error)));
    });
  }

  async create(path: string, data: string | null = null, mode: CreateMode = 'persistent'): Promise<string> {
    const [result] = await this.write(creation(path, data, mode));
    return result!.path!;
  }

  async set(path: string, data: string | null, version = ANY_VERSION): Promise<Stat> {
    const [result] = await this.write({ type: 'set', path, data: bytes(data), version });
    return result!.stat!;
  }

  async delete(path: string, version = ANY_VERSION): Promise<void> {
    await this.write({ type: 'delete', path, version });
  }

  read(path: string, watch: Watch | null = null): Promise<NodeContents> {
    return new Promise((resolve, reject) => {
      this.raw.read(path, watch, (error, contents) => (error === null ? resolve(contents) : reject(error)));
    });
  }

  stat(path: string, watch: Watch | null = null): Promise<Stat | null> {
    return new Promise((resolve, reject) => {
      this.raw.stat(path, watch, (error, stat) => (error === null ? resolve(stat) : reject(error)));
    });
  }

  /** Waits until this session sees a node that another one has made. */
  async whenThere(path: string): Promise<Stat> {
    for (;;) {
      const stat = await this.stat(path);
      if (stat !== null) return stat;
    }
  }

  children(path: string, watch: Watch | null = null): Promise<readonly string[]> {
    return new Promise((resolve, reject) => {
      this.raw.children(path, watch, (error, names) => (error === null ? resolve(names) : reject(error)));
    });
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.raw.close(resolve));
  }
}

export function creation(
  path: string,
  data: string | null = null,
  mode: CreateMode = 'persistent',
): WriteOperation {
  return { type: 'create', path, data: bytes(data), mode };
}

export function bytes(text: string | null): Buffer | null {
  return text === null ? null : Buffer.from(text);
}

/** Requires that a call fails with a code, and gives back the error. */
export async function failsWith(
  call: Promise<unknown>,
  code: CoordinationErrorCode,
): Promise<CoordinationError> {
  let failure: unknown = null;
  await call.catch((error: unknown) => (failure = error));
  assert.ok(failure instanceof CoordinationError, `expected ${code}, not ${String(failure ?? 'success')}`);
  assert.equal(failure.code, code);
  return failure;
}

/** A watch that keeps what it was told, and can be waited for. */
export class RecordedWatch {
  readonly events: WatchEvent[] = [];
  private readonly waiting: ((event: WatchEvent) => void)[] = [];

  readonly watch: Watch = (event) => {
    this.events.push(event);
    for (const resolve of this.waiting.splice(0)) resolve(event);
  };

  /** The next event, or the first if there has been one. */
  fired(): Promise<WatchEvent> {
    const [first] = this.events;
    return first === undefined
      ? new Promise((resolve) => this.waiting.push(resolve))
      : Promise.resolve(first);
  }
}
