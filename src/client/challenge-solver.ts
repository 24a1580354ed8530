// Challenge solver
//
// Answers the verification challenges of kernel.md, as every client of the kernel must.

import { runPipeline, solveProofOfWork } from '../contract/challenge.js';

/** The response to a challenge as the server sent it. Throws when it is of a type that this version does not know. */
export function solveChallenge(type: string, data: unknown): string {
  const members = data as Record<string, unknown>;
  switch (type) {
    case 'none':
      return '';
    case 'pipeline': {
      const operations = members.operations as readonly { readonly op: string }[];
      return runPipeline({ seed: String(members.seed), operations });
    }
    case 'proof_of_work':
      return solveProofOfWork(String(members.prefix), Number(members.difficulty_bits));
    default:
      throw new Error(`This version cannot answer a challenge of the type ${type}.`);
  }
}
