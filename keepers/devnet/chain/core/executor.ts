import { Executor } from '@ton/sandbox';

/** Where the library keeps its emulator. */
const libraryFolder = '@ton/sandbox/dist/executor';

type Imports = Record<string, Record<string, (...args: never[]) => unknown>>;
interface Instance {
    exports: Record<string, unknown>;
}
interface Memory {
    buffer: ArrayBuffer;
}
interface Table {
    get(index: number): unknown;
}
type Emulator = (options: {
    instantiateWasm(imports: Imports, receive: (instance: Instance) => void): void;
}) => Promise<object>;

declare const WebAssembly: {
    Instance: new (compiled: object, imports: Imports) => Instance;
    Memory: new () => Memory;
    Table: new () => Table;
    compile(binary: Buffer): Promise<object>;
};

let compiled: Promise<object> | undefined;
let shared: Promise<Executor> | undefined;

/** For whoever brings all that a message needs with it: an executor keeps the last configuration, to read it once. */
export function sharedExecutor(): Promise<Executor> {
    return (shared ??= createExecutor());
}

/**
 * TON's transaction executor, compiled once for all of a process. It asks for the time hundreds of times a message, to stamp
 * the lines of a log: a tenth of what a message costs. Its clock stands still; the chain's time comes with each message.
 */
export async function createExecutor(): Promise<Executor> {
    const emulator = load('emulator-emscripten.js') as Emulator;
    const module = await (compiled ??= compile());
    const exports = await emulator({
        instantiateWasm: (imports, receive) => receive(start(module, imports)),
    });
    return new (Executor as unknown as new (exports: object) => Executor)(exports);
}

function compile(): Promise<object> {
    const { EmulatorEmscriptenWasm } = load('emulator-emscripten.wasm.js') as { EmulatorEmscriptenWasm: string };
    return WebAssembly.compile(Buffer.from(EmulatorEmscriptenWasm, 'base64'));
}

function load(file: string): unknown {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- neither types nor a place among the package's exports
    return require(`${libraryFolder}/${file}`);
}

function start(module: object, imports: Imports): Instance {
    let view = new DataView(new ArrayBuffer(0));
    const clock = (_id: number, _precision: bigint, at: number) => {
        if (view.buffer !== memory.buffer) view = new DataView(memory.buffer);
        view.setBigInt64(at, 0n, true);
        return 0;
    };
    for (const functions of Object.values(imports)) {
        const name = Object.keys(functions).find((name) => functions[name]!.name === '_clock_time_get');
        if (name !== undefined) functions[name] = clock;
    }
    const { exports } = new WebAssembly.Instance(module, imports);
    const memory = Object.values(exports).find((value) => value instanceof WebAssembly.Memory) as Memory;
    return { exports: withKeptFunctions(exports) };
}

/** Thousands of calls a message go by way of the table of functions; looking one up there takes as long as calling it. */
function withKeptFunctions(exports: Instance['exports']): Instance['exports'] {
    const [name, table] = Object.entries(exports).find(([, value]) => value instanceof WebAssembly.Table) as [
        string,
        Table,
    ];
    const kept: unknown[] = [];
    return { ...exports, [name]: { get: (index: number) => (kept[index] ??= table.get(index)) } };
}
