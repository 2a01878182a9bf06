import type { GroupRequest, GroupResultOf, ListGroupsResult } from '@odradek/core/group/group-commands.ts';
import type { LegacyOffsets } from './legacy-offsets.ts';

/** Requests to one group. Listing goes over all of them. */
export type OneGroupRequest = Exclude<GroupRequest, { kind: 'list-groups' }>;

/** Consumer groups and their offsets, as the handlers see them. */
export interface GroupService {
  /**
   * The broker that coordinates the group; creates the topic of the offsets where there is none yet.
   *
   * @returns its id, or -1 while there is no such broker
   */
  coordinatorFor(groupId: string): number | Promise<number>;

  /**
   * Asks the group's coordinator. Answers at once where it can; joins and syncs may wait for other members,
   * and what has to be kept is answered once it is committed. Never fails: errors are in the result.
   */
  request<Request extends OneGroupRequest>(
    request: Request,
  ): GroupResultOf<Request['kind']> | Promise<GroupResultOf<Request['kind']>>;

  /** The groups that this broker coordinates; with an error while some are still being loaded. */
  listGroups(): ListGroupsResult;

  /** Offsets of consumers that speak version 0 of OffsetCommit and OffsetFetch. */
  readonly legacyOffsets: LegacyOffsets;

  /** Begins to coordinate: the groups of partitions that this broker leads, now and later, are loaded. */
  start(): void;

  /** Stops coordinating: everybody who waits is sent to look for another coordinator. */
  stop(): void;
}
