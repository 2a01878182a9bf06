import type { Coordination, CoordinationError, WriteOperation } from '@odradek/core/ports/coordination.ts';
import { ANY_VERSION } from '@odradek/core/ports/coordination.ts';
import { ErrorCode } from '@odradek/protocol/errors.ts';

/**
 * Offsets as the consumers of Kafka 0.8 keep them, and as version 0 of OffsetCommit and OffsetFetch does: in the
 * coordination tree, `/consumers/<group>/offsets/<topic>/<partition>`, as decimal text.
 */
export class LegacyOffsets {
  private readonly coordination: Coordination;

  constructor(coordination: Coordination) {
    this.coordination = coordination;
  }

  /** @returns an error code, 0 once the offset is durable */
  commit(groupId: string, topic: string, partition: number, offset: number): Promise<number> {
    const path = pathOf(groupId, topic, partition);
    const data = Buffer.from(String(offset));
    return new Promise((resolve) => this.set(path, data, (error) => resolve(codeOf(error))));
  }

  /** @returns the offset, or null when none was committed */
  fetch(
    groupId: string,
    topic: string,
    partition: number,
  ): Promise<{ readonly errorCode: number; readonly offset: number | null }> {
    return new Promise((resolve) => {
      this.coordination.read(pathOf(groupId, topic, partition), null, (error, contents) => {
        if (error !== null)
          resolve({ errorCode: error.code === 'NONODE' ? ErrorCode.NONE : codeOf(error), offset: null });
        else resolve({ errorCode: ErrorCode.NONE, offset: parseOffset(contents.data) });
      });
    });
  }

  private set(path: string, data: Buffer, done: (error: CoordinationError | null) => void): void {
    this.coordination.write([{ type: 'set', path, data, version: ANY_VERSION }], (error) => {
      if (error?.code === 'NONODE') this.create(path, data, done);
      else done(error);
    });
  }

  /** The nodes above may or may not be there: each is made on its own, and being there already is fine. */
  private create(path: string, data: Buffer, done: (error: CoordinationError | null) => void): void {
    const parents = ancestorsOf(path);
    const createNext = (): void => {
      const parent = parents.shift();
      const operation: WriteOperation = {
        type: 'create',
        path: parent ?? path,
        data: parent === undefined ? data : null,
        mode: 'persistent',
      };
      this.coordination.write([operation], (error) => {
        if (error !== null && error.code !== 'NODEEXISTS') done(error);
        else if (parent !== undefined) createNext();
        else if (error === null) done(null);
        else this.set(path, data, done);
      });
    };
    createNext();
  }
}

/** Group ids are text of any kind; a slash would be read as a level of the tree, as it is by Kafka. */
function pathOf(groupId: string, topic: string, partition: number): string {
  return `/consumers/${groupId}/offsets/${topic}/${partition}`;
}

function ancestorsOf(path: string): string[] {
  const names = path.split('/').slice(1, -1);
  return names.map((_, i) => `/${names.slice(0, i + 1).join('/')}`);
}

function parseOffset(data: Buffer | null): number | null {
  const text = data?.toString() ?? '';
  return /^-?\d+$/.test(text) ? Number(text) : null;
}

function codeOf(error: CoordinationError | null): number {
  if (error === null) return ErrorCode.NONE;
  switch (error.code) {
    case 'CONNECTIONLOSS':
    case 'SESSIONEXPIRED':
      return ErrorCode.COORDINATOR_NOT_AVAILABLE;
    default:
      return ErrorCode.UNKNOWN_SERVER_ERROR;
  }
}
