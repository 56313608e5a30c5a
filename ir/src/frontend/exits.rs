//! How control leaves blocks, and what they assign: facts about statements before lowering.

use indexmap::IndexSet;
use ruff_python_ast::{ElifElseClause, Expr, Number, Stmt};

use super::control::Part;
use super::scope::for_each_name;

/// Whether the function has returned.
pub(super) const RETURN: &str = "$return";
/// The value it returned.
pub(super) const VALUE: &str = "$value";
/// Whether the loop was broken.
pub(super) const BREAK: &str = "$break";
/// Whether the turn of the loop is over.
pub(super) const CONTINUE: &str = "$continue";
/// The index of a `for`.
pub(super) const INDEX: &str = "$index";

/// The ways in which control may leave a block.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Exits {
    pub(super) falls: bool,
    pub(super) returns: bool,
    pub(super) breaks: bool,
    pub(super) continues: bool,
}

impl Exits {
    const FALLS: Exits = Exits { falls: true, returns: false, breaks: false, continues: false };

    /// Both ways.
    pub(super) fn or(self, other: Exits) -> Exits {
        Exits {
            falls: self.falls || other.falls,
            returns: self.returns || other.returns,
            breaks: self.breaks || other.breaks,
            continues: self.continues || other.continues,
        }
    }

    /// Whether control always goes on with the next statement.
    pub(super) fn only_falls(self) -> bool {
        !self.returns && !self.breaks && !self.continues
    }

    /// The flags that say which way was taken.
    pub(super) fn flags(self) -> Vec<&'static str> {
        let all = [(RETURN, self.returns), (VALUE, self.returns), (BREAK, self.breaks), (CONTINUE, self.continues)];
        all.into_iter().filter(|(_, taken)| *taken).map(|(name, _)| name).collect()
    }
}

/// The ways out of a block.
pub(super) fn exits(body: &[Stmt]) -> Exits {
    let mut all = Exits::FALLS;
    for stmt in body {
        let next = statement_exits(stmt);
        all = Exits { falls: false, ..all }.or(next);
        if !next.falls {
            break;
        }
    }
    all
}

/// The ways out of a part.
pub(super) fn part_exits(part: Part<'_>) -> Exits {
    match part {
        Part::Block(body) => exits(body),
        Part::LoopElse { body, .. } => exits(body).or(Exits::FALLS),
        Part::Clauses { clauses, .. } => clause_exits(clauses),
    }
}

fn clause_exits(clauses: &[ElifElseClause]) -> Exits {
    let open = clauses.last().is_none_or(|clause| clause.test.is_some());
    let start = if open { Exits::FALLS } else { Exits::default() };
    clauses.iter().fold(start, |all, clause| all.or(exits(&clause.body)))
}

/// The ways out of a statement.
pub(super) fn statement_exits(stmt: &Stmt) -> Exits {
    match stmt {
        Stmt::Return(_) => Exits { returns: true, ..Exits::default() },
        Stmt::Break(_) => Exits { breaks: true, ..Exits::default() },
        Stmt::Continue(_) => Exits { continues: true, ..Exits::default() },
        Stmt::If(branch) => exits(&branch.body).or(clause_exits(&branch.elif_else_clauses)),
        Stmt::While(each) => loop_exits(&each.body, &each.orelse, is_true(&each.test)),
        Stmt::For(each) => loop_exits(&each.body, &each.orelse, false),
        _ => Exits::FALLS,
    }
}

fn loop_exits(body: &[Stmt], orelse: &[Stmt], endless: bool) -> Exits {
    let inner = exits(body);
    let after = if endless { Exits::default() } else { exits(orelse) };
    let falls = inner.breaks || after.falls;
    Exits { falls, returns: inner.returns || after.returns, ..after }
}

/// Whether a test is the constant `True`.
pub(super) fn is_true(test: &Expr) -> bool {
    match test {
        Expr::BooleanLiteral(literal) => literal.value,
        Expr::NumberLiteral(literal) => matches!(&literal.value, Number::Int(i) if i.as_i64() == Some(1)),
        _ => false,
    }
}

/// The names that blocks assign, in order of appearance.
pub(super) fn assigned<'a>(parts: &[Part<'a>]) -> IndexSet<&'a str> {
    let mut names = IndexSet::new();
    for part in parts {
        match part {
            Part::Block(body) | Part::LoopElse { body, .. } => collect(body, &mut names),
            Part::Clauses { clauses, .. } => clauses.iter().for_each(|c| collect(&c.body, &mut names)),
        }
    }
    names
}

fn collect<'a>(body: &'a [Stmt], names: &mut IndexSet<&'a str>) {
    body.iter().for_each(|stmt| assigned_by(stmt, names));
}

/// Adds the names that a statement assigns.
pub(super) fn assigned_by<'a>(stmt: &'a Stmt, names: &mut IndexSet<&'a str>) {
    let target = |target: &'a Expr, names: &mut IndexSet<&'a str>| {
        for_each_name(target, &mut |name, _| {
            names.insert(name);
        });
    };
    match stmt {
        Stmt::Assign(assign) => assign.targets.iter().for_each(|t| target(t, names)),
        Stmt::AnnAssign(assign) if assign.value.is_some() => target(&assign.target, names),
        Stmt::AugAssign(assign) => target(&assign.target, names),
        Stmt::FunctionDef(def) => {
            names.insert(def.name.as_str());
        }
        Stmt::ClassDef(class) => {
            names.insert(class.name.as_str());
        }
        Stmt::If(branch) => {
            collect(&branch.body, names);
            branch.elif_else_clauses.iter().for_each(|c| collect(&c.body, names));
        }
        Stmt::While(each) => {
            collect(&each.body, names);
            collect(&each.orelse, names);
        }
        Stmt::For(each) => {
            target(&each.target, names);
            collect(&each.body, names);
            collect(&each.orelse, names);
        }
        Stmt::With(with) => {
            with.items.iter().filter_map(|item| item.optional_vars.as_deref()).for_each(|t| target(t, names));
            collect(&with.body, names);
        }
        Stmt::Try(attempt) => {
            [&attempt.body, &attempt.orelse, &attempt.finalbody].into_iter().for_each(|b| collect(b, names));
            let handlers = attempt.handlers.iter().filter_map(|handler| handler.as_except_handler());
            handlers.for_each(|handler| collect(&handler.body, names));
        }
        Stmt::Match(choice) => choice.cases.iter().for_each(|case| collect(&case.body, names)),
        _ => {}
    }
}
