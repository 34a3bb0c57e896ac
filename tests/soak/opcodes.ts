import { Escrow } from '../../build/Escrow/Escrow_Escrow';
import { Payout } from '../../build/Payout/Payout_Payout';
import { Provider } from '../../build/Provider/Provider_Provider';
import { Registry } from '../../build/Registry/Registry_Registry';

/** Opcode -> name of the message in the contracts. */
export const opcodes: ReadonlyMap<number, string> = new Map(
    [Escrow, Payout, Provider, Registry].flatMap((binding) =>
        Object.entries(binding.opcodes).map(([name, opcode]) => [Number(opcode), name] as const),
    ),
);
