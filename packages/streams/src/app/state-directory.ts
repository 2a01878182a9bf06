import { randomUUID } from 'node:crypto';
import { globSync, mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { ClientError } from '@odradek/client';

const SUFFIX = '.sqlite';
const INSTANCE = 'instance';

/** Where an instance keeps the state of its tasks, and its name over restarts. */
export interface StateDirectory {
  /** The same after a restart, so that a transaction which was left open is ended at once. */
  readonly instance: string;
  /** @returns null for memory */
  path(task: string): string | null;
  /** The tasks that there is state of. */
  tasks(): readonly string[];
  close(): void;
}

/** @throws ClientError STATE_LOCKED when another process uses the directory */
export function openStateDirectory(directory: string | null, applicationId: string): StateDirectory {
  if (directory === null) return inMemory();
  const home = join(directory, applicationId);
  mkdirSync(home, { recursive: true });
  const { instance, close } = lockedInstance(join(home, INSTANCE + SUFFIX));
  return {
    instance,
    path: (task) => join(home, task + SUFFIX),
    tasks: () => globSync(`*_*${SUFFIX}`, { cwd: home }).map((file) => basename(file, SUFFIX)),
    close,
  };
}

function inMemory(): StateDirectory {
  return { instance: randomUUID(), path: () => null, tasks: () => [], close: () => undefined };
}

/** The system lets go of the lock whatever becomes of the process. */
function lockedInstance(path: string): { instance: string; close: () => void } {
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    database.exec('pragma locking_mode = exclusive; begin exclusive');
    database.exec('create table if not exists instance (id text not null)');
    const found = database.prepare('select id from instance').get();
    const instance = found === undefined ? randomUUID() : String(found['id']);
    if (found === undefined) database.prepare('insert into instance values (?)').run(instance);
    database.exec('commit');
    return { instance, close: () => database.close() };
  } catch (error) {
    database.close();
    throw new ClientError('STATE_LOCKED', `${path} cannot be had alone: another process uses it`, {
      cause: error,
    });
  }
}
