import { DatabaseSync } from 'node:sqlite';

/**
 * Holds a lock for as long as this process lives, by a transaction in a file of its own: the system lets go of it
 * whatever becomes of the process. Not on network file systems.
 *
 * @returns lets go; null when another process has it
 */
export function tryLock(path: string): (() => void) | null {
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    database.exec('begin exclusive');
    return () => database.close();
  } catch {
    database.close();
    return null;
  }
}
