import { parseArgs, type ParseArgsConfig } from 'node:util';

type Options = NonNullable<ParseArgsConfig['options']>;

export interface BenchUsage<T extends Options> {
    name: string;
    /** What it measures, in a sentence. */
    about: string;
    options: T;
    /** What each option is, in a few words. */
    says: Record<keyof T, string>;
}

/** The command line's options of a bench. `--help` prints them and ends the process; what is unknown ends it with 2. */
export function readOptions<const T extends Options>(usage: BenchUsage<T>) {
    const args = process.argv.slice(3);
    if (args.includes('--help') || args.includes('-h')) {
        process.stdout.write(usageText(usage));
        process.exit(0);
    }
    try {
        return parseArgs<{ args: string[]; options: T }>({ args, options: usage.options }).values;
    } catch (error) {
        process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${usageText(usage)}`);
        process.exit(2);
    }
}

export function usageText<T extends Options>({ name, about, options, says }: BenchUsage<T>): string {
    const lines = Object.entries(options).map(([option, { type, default: value }]) => {
        const flag = type === 'boolean' ? `--${option}` : `--${option} VALUE`;
        const otherwise = type === 'string' && value !== undefined ? ` (${String(value)})` : '';
        return `  ${flag.padEnd(24)} ${says[option]}${otherwise}\n`;
    });
    return `npm run bench -- ${name} [options]\n\n${about}\n\n${lines.join('')}  ${'--help'.padEnd(24)} this\n`;
}
