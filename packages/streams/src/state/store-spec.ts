/** A store that a node keeps. Its name is the user's, so that it does not change with the topology around it. */
export interface StoreSpec {
  readonly name: string;
  /** By key; or by key, time and a number that tells records of the same time apart. */
  readonly kind: 'key-value' | 'window';
}

/** @returns the compacted topic that holds all that changes in the store */
export function changelogTopic(store: string, applicationId: string): string {
  return `${applicationId}-${store}-changelog`;
}
