//! Random expressions of everything that the scope offers, mostly of kinds that fit, now and then not.

use fastrand::Rng;

pub(crate) struct Random {
    rng: Rng,
    /// Whether the variable of a loop, `x`, is there.
    in_loop: bool,
}

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self { rng: Rng::with_seed(seed), in_loop: false }
    }

    /// Any expression. It may be longer, or have more nodes, than the parser lets through.
    pub(crate) fn expression(&mut self) -> String {
        self.in_loop = false;
        let depth = self.rng.usize(1..6);
        self.any(depth)
    }

    fn any(&mut self, depth: usize) -> String {
        match self.rng.u8(0..8) {
            7 => self.optional(depth),
            0 | 1 => self.text(depth),
            2 => self.int(depth),
            3 => self.list(depth),
            4 => self.truth(depth),
            5 => self.map(depth),
            _ => self.double(depth),
        }
    }

    fn pick(&mut self, of: &[&str]) -> String {
        of[self.rng.usize(0..of.len())].to_owned()
    }

    /// Another kind than the one that is wanted.
    fn misfit(&mut self) -> bool {
        self.rng.u8(0..24) == 0
    }

    fn text(&mut self, depth: usize) -> String {
        if self.misfit() {
            return self.any(depth.saturating_sub(1));
        }
        if depth == 0 {
            let loops = if self.in_loop { "x" } else { "data.s" };
            return match self.rng.u8(0..3) {
                0 => loops.to_owned(),
                1 => self.pick(&["'a'", "''", "'é'", "'ab'", "'12'", "'-7'", "'1.5'", "'true'", "'(a+)+$'", "'['", "' a '"]),
                _ => self.pick(&[
                    "data.s",
                    "data.t",
                    "data.a",
                    "data.b",
                    "data.sep",
                    "data.m.k",
                    "data['s']",
                    "data.l[0]",
                    "event.type",
                ]),
            };
        }
        let d = depth - 1;
        match self.rng.u8(0..16) {
            0..=2 => format!("({} + {})", self.text(d), self.text(d)),
            3 => format!("{}.replace({}, {})", self.text(d), self.text(d), self.text(d)),
            4 => format!("{}.replace({}, {}, {})", self.text(d), self.text(d), self.text(d), self.int(0)),
            5 => format!("{}.join({})", self.list(d), self.text(d)),
            6 => format!("{}.join()", self.list(d)),
            7 => format!("{}.substring({})", self.text(d), self.int(0)),
            8 => format!("{}.substring({}, {})", self.text(d), self.int(0), self.int(0)),
            9 => format!("{}.charAt({})", self.text(d), self.int(0)),
            10 => format!("{}.{}()", self.text(d), self.pick(&["lowerAscii", "upperAscii", "trim"])),
            11 => format!("string({})", self.any(d)),
            12 => format!("string(bytes({}) + bytes({}))", self.text(d), self.text(d)),
            13 => format!("({} ? {} : {})", self.truth(d), self.text(d), self.text(d)),
            14 => format!("{}.orValue({})", self.optional(d), self.text(d)),
            _ => format!("dyn({})", self.text(d)),
        }
    }

    fn int(&mut self, depth: usize) -> String {
        if self.misfit() {
            return self.any(depth.saturating_sub(1));
        }
        if depth == 0 {
            return self.pick(&["0", "1", "2", "-1", "3u", "data.n", "data.min", "data.big", "data.i[0]", "9223372036854775807"]);
        }
        let d = depth - 1;
        match self.rng.u8(0..11) {
            0..=2 => {
                let operator = self.pick(&["+", "-", "*", "/", "%"]);
                format!("({} {operator} {})", self.int(d), self.int(d))
            }
            3 => format!("-({})", self.int(d)),
            4 => format!("size({})", self.any(d)),
            5 => format!("{}.{}({})", self.text(d), self.pick(&["indexOf", "lastIndexOf"]), self.text(d)),
            6 => format!("{}.{}({}, {})", self.text(d), self.pick(&["indexOf", "lastIndexOf"]), self.text(d), self.int(0)),
            7 => format!("{}({})", self.pick(&["int", "uint"]), self.any(d)),
            8 => format!("({} ? {} : {})", self.truth(d), self.int(d), self.int(d)),
            9 => format!("({} + {})", self.int(d), self.double(d)),
            _ => format!("{}[{}]", self.pick(&["data.i", "data.l", "[1, 2]", "{1: 2, 3u: 4}", "data.m"]), self.int(d)),
        }
    }

    fn double(&mut self, depth: usize) -> String {
        if depth == 0 {
            return self.pick(&["0.0", "1.5", "-2.25", "data.f", "1e300", "2.0"]);
        }
        let d = depth - 1;
        match self.rng.u8(0..3) {
            0 => {
                let operator = self.pick(&["+", "-", "*", "/"]);
                format!("({} {operator} {})", self.double(d), self.double(d))
            }
            1 => format!("double({})", self.any(d)),
            _ => format!("-({})", self.double(d)),
        }
    }

    fn truth(&mut self, depth: usize) -> String {
        if self.misfit() {
            return self.any(depth.saturating_sub(1));
        }
        if depth == 0 {
            return self.pick(&["true", "false", "data.yes", "has(data.s)", "has(data.gone)", "data.gone"]);
        }
        let d = depth - 1;
        match self.rng.u8(0..13) {
            0 => format!("({} && {})", self.truth(d), self.truth(d)),
            1 => format!("({} || {})", self.truth(d), self.truth(d)),
            2 => format!("!({})", self.truth(d)),
            3 => format!("({} == {})", self.any(d), self.any(d)),
            4 => format!("({} != {})", self.any(d), self.any(d)),
            5 => {
                let operator = self.pick(&["<", "<=", ">", ">="]);
                match self.rng.u8(0..3) {
                    0 => format!("({} {operator} {})", self.text(d), self.text(d)),
                    1 => format!("({} {operator} {})", self.int(d), self.int(d)),
                    _ => format!("({} {operator} {})", self.int(d), self.double(d)),
                }
            }
            6 => format!("({} in {})", self.any(d), self.list(d)),
            7 => format!("({} in {})", self.any(d), self.map(d)),
            8 => format!("{}.{}({})", self.text(d), self.pick(&["contains", "startsWith", "endsWith", "matches"]), self.text(d)),
            9 => self.fold(d),
            10 => format!("{}.hasValue()", self.optional(d)),
            11 => format!(
                "(type({}) == {})",
                self.any(d),
                self.pick(&["int", "string", "list", "map", "null_type", "uint", "optional_type"])
            ),
            _ => format!("bool({})", self.any(d)),
        }
    }

    /// A loop. Inside of another there is none, as the parser wants it.
    fn fold(&mut self, depth: usize) -> String {
        if self.in_loop {
            return self.truth(0);
        }
        let list = self.list(depth);
        let name = self.pick(&["all", "exists", "exists_one"]);
        format!("{list}.{name}(x, {})", self.inside(|inner| inner.truth(depth)))
    }

    fn inside(&mut self, what: impl FnOnce(&mut Self) -> String) -> String {
        self.in_loop = true;
        let made = what(self);
        self.in_loop = false;
        made
    }

    fn list(&mut self, depth: usize) -> String {
        if self.misfit() {
            return self.any(depth.saturating_sub(1));
        }
        if depth == 0 {
            return self.pick(&["data.l", "data.i", "data.l", "[]", "['a', 'b']", "[1, 2u, 3.0]", "data.deep"]);
        }
        let d = depth - 1;
        match self.rng.u8(0..10) {
            0 => format!("({} + {})", self.list(d), self.list(d)),
            1 => format!("[{}, {}]", self.any(d), self.any(d)),
            8 => format!("[?{}, {}, ?{}]", self.optional(d), self.any(d), self.optional(d)),
            2 => format!("{}.split({})", self.text(d), self.text(d)),
            3 => format!("{}.split({}, {})", self.text(d), self.text(d), self.int(0)),
            4 | 5 if !self.in_loop => {
                let list = self.list(d);
                format!("{list}.map(x, {})", self.inside(|inner| inner.any(d)))
            }
            6 if !self.in_loop => {
                let list = self.list(d);
                let guard = self.inside(|inner| inner.truth(d));
                format!("{list}.map(x, {guard}, {})", self.inside(|inner| inner.text(d)))
            }
            7 if !self.in_loop => {
                let list = self.list(d);
                format!("{list}.filter(x, {})", self.inside(|inner| inner.truth(d)))
            }
            _ => format!("({} ? {} : {})", self.truth(d), self.list(d), self.list(d)),
        }
    }

    fn map(&mut self, depth: usize) -> String {
        if depth == 0 {
            return self.pick(&["data.m", "data", "{}", "{'a': 1}", "{1: 'a', 2u: 'b', true: 'c'}", "event"]);
        }
        let d = depth - 1;
        match self.rng.u8(0..4) {
            0 => format!("{{'k': {}, {}: {}}}", self.any(d), self.text(d), self.any(d)),
            1 => format!("{{{}: {}}}", self.int(d), self.any(d)),
            2 => format!("{{?'k': {}, 'l': {}}}", self.optional(d), self.any(d)),
            _ => format!("({} ? {} : {})", self.truth(d), self.map(d), self.map(d)),
        }
    }

    fn optional(&mut self, depth: usize) -> String {
        if self.misfit() {
            return self.any(depth.saturating_sub(1));
        }
        if depth == 0 {
            return self.pick(&[
                "data.?s",
                "data.?gone",
                "data.?m.k",
                "data.?m.?gone",
                "data.?gone.k",
                "data[?'n']",
                "data.l[?1]",
                "data.l[?99]",
                "data.?s.?k",
                "optional.none()",
                "optional.of(data.f)",
            ]);
        }
        let d = depth - 1;
        match self.rng.u8(0..8) {
            0 => format!("optional.of({})", self.any(d)),
            1 => format!("optional.ofNonZeroValue({})", self.any(d)),
            2 => format!("{}[?{}]", self.map(d), self.text(d)),
            3 => format!("{}[?{}]", self.list(d), self.int(d)),
            4 => format!("{}.or({})", self.optional(d), self.optional(d)),
            5 => format!("{}.optMap(y, {})", self.optional(d), self.any(d)),
            6 => format!("{}.optFlatMap(y, {})", self.optional(d), self.optional(d)),
            _ => format!("({} ? {} : {})", self.truth(d), self.optional(d), self.optional(d)),
        }
    }
}
