import type { User } from '../user.js'
import type { TokenReason, TokenRefusal } from '../verdict.js'
import type { TokenFacts, TokenKind } from './token-kind.js'

/** How far a token came before it was refused: `anyOf` returns the refusal that came furthest. */
const FURTHEST: readonly TokenReason[] = ['inactive', 'revoked', 'expired', 'invalid']

/**
 * Issues tokens of the first kind and accepts those of all, so that tokens in clients' hands keep working while a new kind
 * takes over. It goes on after any refusal and returns the one that came furthest, marked as genuine if any of them is. The
 * options of `issue` go to the first kind, so limits are those that it carries, and the time of the login is kept if it keeps
 * it. `revokeAll` is there only if every kind has it.
 */
export function anyOf<U extends User, T extends TokenFacts, O extends TokenFacts>(
  first: TokenKind<U, T>,
  ...others: readonly TokenKind<U, O>[]
): TokenKind<U, T | O> {
  const kinds: readonly TokenKind<U, T | O>[] = [first, ...others]
  if (!kinds.every((kind) => typeof kind?.issue === 'function' && typeof kind.verify === 'function')) {
    throw new TypeError('anyOf takes token kinds: sealedPairs(…), djangoPairs(…), …')
  }

  const withdraw = first.withdraw?.bind(first)

  const both: TokenKind<U, T | O> = {
    ...(first.carries !== undefined && { carries: first.carries }),
    ...(first.keepsLoginTime === true && { keepsLoginTime: true }),
    ...(kinds.every((kind) => kind.needsUser === true) && { needsUser: true }),
    issue: (user, options) => first.issue(user, options),
    ...(withdraw !== undefined && { withdraw }),

    async verify(offered, find) {
      const refusals: TokenRefusal[] = []
      for (const kind of kinds) {
        const verdict = await kind.verify(offered, find)
        if (verdict.ok) return verdict
        refusals.push(verdict)
      }
      return furthest(refusals)
    },
  }
  if (!kinds.every((kind) => kind.revokeAll !== undefined)) return both
  return {
    ...both,
    async revokeAll(user, bumpEpoch) {
      for (const kind of kinds) await kind.revokeAll?.(user, bumpEpoch)
    },
    async revokeAllById(id) {
      let hadTokens = false
      for (const kind of kinds) hadTokens = (await kind.revokeAllById?.(id)) === true || hadTokens
      return hadTokens
    },
  }
}

function furthest(refusals: readonly TokenRefusal[]): TokenRefusal {
  const [refusal] = [...FURTHEST.flatMap((reason) => refusals.filter((one) => one.reason === reason)), ...refusals] as [
    TokenRefusal, // anyOf has at least one kind
  ]
  return refusals.some((one) => one.genuine === true) ? { ...refusal, genuine: true } : refusal
}
