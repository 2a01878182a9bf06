import { ErrorCode } from '@odradek/protocol/errors.ts';
import type { ClassicGroup } from './classic-group.ts';

/**
 * Whether a request speaks for a member: a static one must hold the id that its instance maps to now
 * (a replaced one is fenced), and the id must be known. Fencing comes before not knowing.
 *
 * @returns 0, FENCED_INSTANCE_ID or UNKNOWN_MEMBER_ID
 */
export function memberError(group: ClassicGroup, memberId: string, groupInstanceId: string | null): number {
  if (groupInstanceId !== null) {
    const current = group.memberIdOfInstance(groupInstanceId);
    if (current === undefined) return ErrorCode.UNKNOWN_MEMBER_ID;
    if (current !== memberId) return ErrorCode.FENCED_INSTANCE_ID;
  }
  return group.has(memberId) ? ErrorCode.NONE : ErrorCode.UNKNOWN_MEMBER_ID;
}

/** As `memberError`, and the generation must be the group's. @returns also ILLEGAL_GENERATION */
export function memberOfGenerationError(
  group: ClassicGroup,
  memberId: string,
  groupInstanceId: string | null,
  generationId: number,
): number {
  const error = memberError(group, memberId, groupInstanceId);
  if (error !== ErrorCode.NONE) return error;
  return generationId === group.generationId ? ErrorCode.NONE : ErrorCode.ILLEGAL_GENERATION;
}
