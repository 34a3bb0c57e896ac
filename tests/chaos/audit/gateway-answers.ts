import { z } from 'zod';

const answerSchema = z.looseObject({
    requestId: z.string(),
    state: z.string(),
    escrow: z.string(),
    epoch: z.int(),
    nodeKey: z.string(),
    requestHash: z.string().nullable(),
    receipt: z
        .looseObject({ sequence: z.int(), costNano: z.string(), cumulativeNano: z.string(), signature: z.string() })
        .nullable(),
});
export type GatewayAnswer = z.output<typeof answerSchema>;

const pageSchema = z.looseObject({ receipts: z.array(answerSchema), next: z.string().nullish() });

/** Everything that a gateway kept, as its client reads it, by request id. */
export async function answersOfGateway(url: string): Promise<Map<string, GatewayAnswer>> {
    const answers = new Map<string, GatewayAnswer>();
    for (let before: string | undefined; ;) {
        const query = before === undefined ? '' : `&before=${before}`;
        const response = await fetch(`${url}/cocoon/receipts?limit=500${query}`);
        if (!response.ok) throw new Error(`/cocoon/receipts answered ${response.status}: ${await response.text()}`);
        const { receipts, next } = pageSchema.parse(await response.json());
        for (const answer of receipts) answers.set(answer.requestId, answer);
        if (next === undefined || next === null) return answers;
        before = next;
    }
}
