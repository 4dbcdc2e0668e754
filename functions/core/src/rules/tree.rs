//! A checked expression, as it is evaluated: names are places, operators and functions are known ones, and the macros are what
//! they stand for.

use super::ExpressionError;
use super::Scope;
use super::fault::Kind;
use super::functions::{self, Function};
use super::operators::Operator;
use super::pattern::Pattern;
use super::value::{Bytes, Key, Text, Value};
use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedExpr, LiteralValue, operators as names};

#[derive(Debug)]
pub(super) enum Node {
    Literal(Value),
    /// One of the scope's, by its place.
    Variable(usize),
    /// Of a loop, by its place among the loops around.
    Local(usize),
    Select {
        of: Box<Node>,
        field: Key,
        /// `has(of.field)`.
        test: bool,
    },
    Index(Box<Node>, Box<Node>),
    Not(Box<Node>),
    Negate(Box<Node>),
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
    If(Box<[Node; 3]>),
    Binary(Operator, Box<Node>, Box<Node>),
    Call(Function, Vec<Node>),
    /// With a pattern that the rule is written with.
    Matches(Box<Node>, Box<Pattern>),
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
    Loop(Box<Node>, Box<Loop>),
}

/// What is done with the elements of a list, or the keys of a map.
#[derive(Debug)]
pub(super) enum Loop {
    All(Node),
    Exists(Node),
    ExistsOne(Node),
    /// `map` and `filter`.
    Collect {
        guard: Option<Node>,
        item: Node,
    },
}

/// What the checker lets through. What it doesn't, or what isn't offered, is an error here.
pub(super) fn build(expression: &IdedExpr, scope: Scope) -> Result<Node, ExpressionError> {
    Builder { scope, locals: Vec::new() }.node(expression)
}

struct Builder {
    scope: Scope,
    /// The loops' variables, the innermost last.
    locals: Vec<String>,
}

fn not_offered(what: &str) -> ExpressionError {
    ExpressionError(format!("{what} isn't offered here"))
}

impl Builder {
    fn node(&mut self, expression: &IdedExpr) -> Result<Node, ExpressionError> {
        Ok(match &expression.expr {
            Expr::Unspecified | Expr::Struct(_) => return Err(not_offered("a message")),
            Expr::Literal(literal) => Node::Literal(value(literal)),
            Expr::Ident(name) => self.name(name)?,
            Expr::Select(select) => {
                Node::Select { of: self.boxed(&select.operand)?, field: Key::Text(Text::given(&select.field)), test: select.test }
            }
            Expr::Call(call) => self.call(call)?,
            Expr::List(list) if list.optional_indices.is_empty() => Node::List(self.nodes(&list.elements)?),
            Expr::List(_) => return Err(not_offered("an optional element")),
            Expr::Map(map) => {
                let mut entries = Vec::new();
                for entry in &map.entries {
                    match &entry.expr {
                        EntryExpr::MapEntry(entry) if !entry.optional => {
                            entries.push((self.node(&entry.key)?, self.node(&entry.value)?));
                        }
                        EntryExpr::MapEntry(_) | EntryExpr::StructField(_) => return Err(not_offered("an optional entry")),
                    }
                }
                Node::Map(entries)
            }
            Expr::Comprehension(comprehension) => self.comprehension(comprehension)?,
        })
    }

    fn boxed(&mut self, expression: &IdedExpr) -> Result<Box<Node>, ExpressionError> {
        self.node(expression).map(Box::new)
    }

    fn nodes(&mut self, expressions: &[IdedExpr]) -> Result<Vec<Node>, ExpressionError> {
        expressions.iter().map(|expression| self.node(expression)).collect()
    }

    /// The innermost that has the name: a loop's variable, one of the scope's, a type.
    fn name(&self, name: &str) -> Result<Node, ExpressionError> {
        if let Some(local) = self.locals.iter().rposition(|local| local == name) {
            return Ok(Node::Local(local));
        }
        if let Some(variable) = self.scope.variables().iter().position(|variable| *variable == name) {
            return Ok(Node::Variable(variable));
        }
        let kind = Kind::ALL.iter().find(|kind| kind.name() == name);
        kind.map(|kind| Node::Literal(Value::Type(*kind))).ok_or_else(|| not_offered(name))
    }

    fn call(&mut self, call: &CallExpr) -> Result<Node, ExpressionError> {
        if call.target.is_none() {
            match (call.func_name.as_str(), call.args.as_slice()) {
                (names::LOGICAL_NOT, [value]) => return Ok(Node::Not(self.boxed(value)?)),
                (names::NEGATE, [value]) => return Ok(Node::Negate(self.boxed(value)?)),
                (names::LOGICAL_AND, [left, right]) => return Ok(Node::And(self.boxed(left)?, self.boxed(right)?)),
                (names::LOGICAL_OR, [left, right]) => return Ok(Node::Or(self.boxed(left)?, self.boxed(right)?)),
                (names::INDEX, [value, at]) => return Ok(Node::Index(self.boxed(value)?, self.boxed(at)?)),
                (names::CONDITIONAL, [condition, yes, no]) => {
                    return Ok(Node::If(Box::new([self.node(condition)?, self.node(yes)?, self.node(no)?])));
                }
                (name, [left, right]) => {
                    if let Some((_, operator)) = Operator::ALL.iter().find(|(operator, _)| *operator == name) {
                        return Ok(Node::Binary(*operator, self.boxed(left)?, self.boxed(right)?));
                    }
                }
                _ => {}
            }
        }
        self.function(call)
    }

    fn function(&mut self, call: &CallExpr) -> Result<Node, ExpressionError> {
        let arguments = call.target.iter().map(|target| &**target).chain(&call.args);
        let mut arguments = arguments.map(|argument| self.node(argument)).collect::<Result<Vec<_>, _>>()?;
        let function = match functions::find(&call.func_name, call.target.is_some(), arguments.len()) {
            Some(Ok(function)) => function,
            Some(Err(how)) => return Err(ExpressionError(how)),
            None => return Err(not_offered(&call.func_name)),
        };
        if function == Function::Matches
            && let Some(Node::Literal(Value::Text(text))) = arguments.get(1)
        {
            let pattern = Pattern::of_a_rule(text.as_str())
                .ok_or_else(|| ExpressionError(format!("{:?} is no regular expression, or too large a one", text.as_str())))?;
            return Ok(Node::Matches(Box::new(arguments.swap_remove(0)), Box::new(pattern)));
        }
        Ok(Node::Call(function, arguments))
    }

    /// What the parser makes of `all`, `exists`, `exists_one`, `map` and `filter`.
    fn comprehension(&mut self, comprehension: &ComprehensionExpr) -> Result<Node, ExpressionError> {
        if comprehension.iter_var2.is_some() {
            return Err(not_offered("a loop with two variables"));
        }
        let over = self.boxed(&comprehension.iter_range)?;
        self.locals.push(comprehension.iter_var.clone());
        let body = self.body(comprehension);
        self.locals.pop();
        Ok(Node::Loop(over, Box::new(body?)))
    }

    fn body(&mut self, comprehension: &ComprehensionExpr) -> Result<Loop, ExpressionError> {
        let is_result = |e: &IdedExpr| matches!(&e.expr, Expr::Ident(name) if *name == comprehension.accu_var);
        let unknown = || not_offered("a loop of this kind");
        let Expr::Call(step) = &comprehension.loop_step.expr else { return Err(unknown()) };
        match (step.func_name.as_str(), step.args.as_slice()) {
            (names::LOGICAL_AND, [result, holds]) if is_result(result) => Ok(Loop::All(self.node(holds)?)),
            (names::LOGICAL_OR, [result, holds]) if is_result(result) => Ok(Loop::Exists(self.node(holds)?)),
            (names::ADD, [result, item]) if is_result(result) => {
                let item = only(item).ok_or_else(unknown)?;
                Ok(Loop::Collect { guard: None, item: self.node(item)? })
            }
            (names::CONDITIONAL, [guard, step, result]) if is_result(result) => match &step.expr {
                Expr::Call(add) if add.func_name == names::ADD => match add.args.as_slice() {
                    [result, item] if is_result(result) => match only(item) {
                        Some(item) => Ok(Loop::Collect { guard: Some(self.node(guard)?), item: self.node(item)? }),
                        None => Ok(Loop::ExistsOne(self.node(guard)?)),
                    },
                    _ => Err(unknown()),
                },
                Expr::Unspecified
                | Expr::Call(_)
                | Expr::Comprehension(_)
                | Expr::Ident(_)
                | Expr::List(_)
                | Expr::Literal(_)
                | Expr::Map(_)
                | Expr::Select(_)
                | Expr::Struct(_) => Err(unknown()),
            },
            _ => Err(unknown()),
        }
    }
}

/// The element of a list that has one.
fn only(list: &IdedExpr) -> Option<&IdedExpr> {
    match &list.expr {
        Expr::List(list) => list.elements.first().filter(|_| list.elements.len() == 1),
        Expr::Unspecified
        | Expr::Call(_)
        | Expr::Comprehension(_)
        | Expr::Ident(_)
        | Expr::Literal(_)
        | Expr::Map(_)
        | Expr::Select(_)
        | Expr::Struct(_) => None,
    }
}

fn value(literal: &LiteralValue) -> Value {
    match literal {
        LiteralValue::Boolean(b) => Value::Bool(*b.inner()),
        LiteralValue::Bytes(bytes) => Value::Bytes(Bytes::given(bytes.inner())),
        LiteralValue::Double(n) => Value::Double(*n.inner()),
        LiteralValue::Int(n) => Value::Int(*n.inner()),
        LiteralValue::Null => Value::Null,
        LiteralValue::String(text) => Value::Text(Text::given(text.inner())),
        LiteralValue::UInt(n) => Value::Uint(*n.inner()),
    }
}
