import { parseArgs } from 'node:util';
import { z } from 'zod';
import { faultKinds } from './faults';

const kindNames = faultKinds.map(({ name }) => name);

const schema = z
    .strictObject({
        minutes: z.coerce.number().min(0.05).max(1_440).default(5),
        kills: z.coerce.number().int().min(1).max(100_000).optional(),
        soakHours: z.coerce.number().min(0.1).max(8_760).optional(),
        warp: z.coerce.number().min(1).max(200).default(24),
        seed: z.coerce.number().int().min(0).max(0xffff_ffff).default(1),
        callers: z.coerce.number().int().min(1).max(64).default(3),
        only: z
            .string()
            .transform((list) => list.split(','))
            .pipe(z.array(z.enum(kindNames)).min(1))
            .optional(),
        postgres: z.boolean().default(false),
        keep: z.boolean().default(false),
        help: z.boolean().default(false),
    })
    .refine(({ kills, soakHours }) => kills === undefined || soakHours === undefined, 'either --kills or --soak-hours');

export type ChaosOptions = z.output<typeof schema>;

export const help = `npm run chaos -- [--minutes N | --kills N | --soak-hours N] [--seed S] [--callers N] [--postgres] [--keep]

  --minutes N     how long things go wrong, 5 unless given; setting up, quiet and audit come on top
  --only KIND,... of ${kindNames.join(', ')}
  --kills N       no storm, but so many times kill -9 of the dispatcher and the settlers at random instants
  --soak-hours N  no fault at all, but steady load for so many hours of the network's own time
  --warp N        in a soak time runs so many times as fast, 24 unless given
  --seed S        the same seed plans the same faults and questions, 1 unless given
  --callers N     clients at each of the two gateways, 3 unless given
  --postgres      two dispatchers on one PostgreSQL, in place of one on SQLite
  --keep          leave the folder with ledgers, logs and the diary of faults; a run that fails always leaves it

The last line of standard output is one JSON object, progress goes to standard error. Exit code 1: a rule did not hold or the
network did not come back. 2: wrong options.
`;

/** @throws z.ZodError, TypeError: what is wrong with them */
export function readOptions(args: string[]): ChaosOptions {
    const { values } = parseArgs({
        args,
        options: {
            minutes: { type: 'string' },
            kills: { type: 'string' },
            'soak-hours': { type: 'string' },
            warp: { type: 'string' },
            seed: { type: 'string' },
            callers: { type: 'string' },
            only: { type: 'string' },
            postgres: { type: 'boolean' },
            keep: { type: 'boolean' },
            help: { type: 'boolean' },
        },
    });
    const { 'soak-hours': soakHours, ...rest } = values;
    return schema.parse({ ...rest, soakHours });
}
