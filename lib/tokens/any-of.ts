import type { User } from '../user.js'
import type { TokenReason, TokenRefusal } from '../verdict.js'
import type { TokenFacts, TokenKind } from './token-kind.js'

/** How far a token came before it was refused: the answer of `anyOf` is the furthest one. */
const FURTHEST: readonly TokenReason[] = ['inactive', 'revoked', 'expired', 'invalid']

/**
 * Issues tokens of the first kind and accepts those of all, so that tokens in clients' hands keep working while a new kind
 * takes over. It goes on after any refusal and reports the one that came furthest. `revokeAll` is there only if every kind has it.
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
    issue: (user) => first.issue(user),
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
  }
}

function furthest(refusals: readonly TokenRefusal[]): TokenRefusal {
  for (const reason of FURTHEST) {
    const refusal = refusals.find((one) => one.reason === reason)
    if (refusal !== undefined) return refusal
  }
  return refusals[0] as TokenRefusal // anyOf has at least one kind
}
