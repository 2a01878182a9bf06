import { ColdRead } from '@odradek/core/log/cold-read.ts';

/** So many times a look-up is begun anew because of what it lacked; an index and a batch take three or four. */
const ROUNDS_MAX = 12;

/**
 * Does a look-up on the event loop. Where it needs what may have to come from the disk, that is brought into the page
 * cache first, by the thread pool, and the look-up done again from its beginning.
 *
 * @param lookUp changes nothing; with `mayWaitForDisk` it goes on where it lacks something: because reading has failed,
 *   and it will tell how, or because what was brought in has been pushed out again too often
 * @returns what it finds, at once unless the disk was asked
 */
export function lookUp<T>(
  lookUp: (mayWaitForDisk: boolean) => T,
  rounds = ROUNDS_MAX,
): T | Promise<Awaited<T>> {
  try {
    return lookUp(rounds === 0);
  } catch (error) {
    if (!(error instanceof ColdRead)) throw error;
    return broughtIn(error).then((isThere) => lookUpAgain(lookUp, isThere ? rounds - 1 : 0));
  }
}

async function lookUpAgain<T>(again: (mayWaitForDisk: boolean) => T, rounds: number): Promise<Awaited<T>> {
  return await lookUp(again, rounds);
}

function broughtIn(cold: ColdRead): Promise<boolean> {
  return new Promise((resolve) => cold.bringIn((error) => resolve(error === null)));
}
