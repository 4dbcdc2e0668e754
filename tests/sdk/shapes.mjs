// Values of TypeScript types: what a provider's published declarations say that it sends.
//
//   bare   what may be missing is missing, what may be null is null, lists are empty
//   full   what may be there is there, lists have an element

import { createRequire } from "node:module";

// The packages are where the script is run, not where it lies.
const ts = createRequire(`${process.cwd()}/`)("typescript");

const DEPTH = 7;

// The declarations' exported type, by file below node_modules.
export function published(files) {
    const paths = Object.fromEntries(Object.keys(files).map((name) => [name, `node_modules/${files[name].file}`]));
    const options = { skipLibCheck: true, strict: true, noLib: false, target: ts.ScriptTarget.ESNext, module: ts.ModuleKind.NodeNext };
    const program = ts.createProgram(Object.values(paths), options);
    const checker = program.getTypeChecker();
    return Object.fromEntries(
        Object.entries(files).map(([name, { type }]) => {
            const module = checker.getSymbolAtLocation(program.getSourceFile(paths[name]));
            const symbol = checker.getExportsOfModule(module).find((symbol) => symbol.name === type);
            if (!symbol) throw new Error(`${paths[name]} exports no ${type}`);
            const found = checker.getDeclaredTypeOfSymbol(symbol);
            return [name, (found.isUnion() ? found.types : [found]).map((type) => new Shape(checker, type))];
        }),
    );
}

class Shape {
    constructor(checker, type) {
        this.checker = checker;
        this.type = type;
        this.name = (type.aliasSymbol ?? type.symbol)?.name ?? checker.typeToString(type);
    }

    value(how, unique) {
        return new Maker(this.checker, how === "full", unique).value(this.type, "", 0);
    }
}

class Maker {
    constructor(checker, full, unique) {
        Object.assign(this, { checker, full, unique, count: 0 });
    }

    value(type, name, depth) {
        const { TypeFlags } = ts;
        if (type.isUnion()) return this.oneOf(type.types, name, depth);
        // `string & {}`: any text, beside those that are listed.
        if (type.isIntersection() && type.types.some((part) => part.flags & TypeFlags.StringLike)) return this.text(name);
        if (type.isStringLiteral() || type.isNumberLiteral()) return type.value;
        if (type.flags & TypeFlags.BooleanLiteral) return this.checker.typeToString(type) === "true";
        if (type.flags & TypeFlags.Null) return null;
        if (type.flags & TypeFlags.Undefined) return undefined;
        if (type.flags & TypeFlags.BooleanLike) return true;
        if (type.flags & TypeFlags.NumberLike) return this.number(name);
        if (type.flags & TypeFlags.StringLike) return this.text(name);
        if (this.checker.isArrayType(type) || this.checker.isTupleType(type)) {
            const [element] = this.checker.getTypeArguments(type);
            return this.full && element && depth < DEPTH ? [this.value(element, name, depth + 1)].filter((made) => made !== undefined) : [];
        }
        if (type.flags & (TypeFlags.Any | TypeFlags.Unknown)) return {};
        return this.object(type, depth);
    }

    // A simple value rather than an object: what isn't expanded is sent as its id.
    oneOf(types, name, depth) {
        const { Null, Undefined, Intersection, Object: Nested } = ts.TypeFlags;
        const absent = types.find((type) => type.flags & (Null | Undefined));
        if (absent && !this.full) return this.value(absent, name, depth);
        const present = types.filter((type) => !(type.flags & (Null | Undefined)));
        const listed = present.find((type) => type.isStringLiteral() || type.isNumberLiteral());
        const simple = present.find((type) => !(type.flags & (Nested | Intersection)));
        return this.value(listed ?? simple ?? present[0] ?? absent, name, depth);
    }

    object(type, depth) {
        if (depth >= DEPTH) return {};
        const made = {};
        for (const property of this.checker.getPropertiesOfType(type)) {
            const optional = property.flags & ts.SymbolFlags.Optional;
            if ((optional && !this.full) || property.name.startsWith("__")) continue;
            const declared = this.checker.getTypeOfSymbol(property);
            if (declared.getCallSignatures().length > 0) continue;
            const value = this.value(declared, property.name, depth + 1);
            if (value !== undefined) made[property.name] = value;
        }
        return made;
    }

    number(name) {
        return /(^|_)(created|updated|time|timestamp|date|ts|start|end|at)$/.test(name) ? 1795975000 : this.unique * 1000 + this.count++;
    }

    text(name) {
        if (/(^|_)ts$/.test(name)) return `1795975000.${String(this.unique).padStart(6, "0")}`;
        if (/_at$|(^|_)(time|timestamp|date)$|^created$/.test(name)) return "2026-11-29T18:43:20Z";
        return /(^|_)id$/.test(name) ? `${name.toUpperCase()}${this.unique}_${this.count++}` : `a ${name || "text"}`;
    }
}
