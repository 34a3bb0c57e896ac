export interface LocalNetworkOptions {
    /** Where everything is kept; an existing network there is brought up again. */
    dir: string;
    seed?: string;
    feeConfig?: 'sandbox' | 'mainnet-2026';
    gatewayPort?: number;
    depositNano?: bigint;
    /** By node name; nodes not named sign with Ed25519. */
    signingSuites?: Readonly<Record<string, 'ed25519' | 'secp256k1'>>;
    /** By node name; nodes not named run in TDX guests. */
    tees?: Readonly<Record<string, 'tdx' | 'snp'>>;
    /** By node name, as in a node's configuration; nodes not named embed llama.cpp with the repository's model. */
    engines?: Readonly<Record<string, object>>;
    /** Keepers read the chain by both of its APIs and believe what both say; else by toncenter's alone. */
    bothApis?: boolean;
    /** Of every role; each one's own default unless given. */
    logLevel?: string;
    /** How long a role may take to be ready before it is given up; RoleProcess's own limit unless given. */
    readyTimeoutMs?: number;
    /** A line for a person, as things happen. */
    progress: (line: string) => void;
    /** Puts something between the dispatcher and everyone else; gets and gives a URL. */
    interpose?: (dispatcherUrl: string) => Promise<string>;
    /** What a role's settings become before it starts with them; the first name is the process's, such as "node-1". */
    settings?: (name: string, settings: RoleSettings) => Promise<RoleSettings>;
}

/** Of a role's configuration file, but for the role itself. */
export interface RoleSettings {
    listen?: { port: number };
    admin?: { port: number; tokenFile?: string };
    [setting: string]: unknown;
}
