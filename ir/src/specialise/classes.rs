//! Function values known only at run time, sorted into classes.
//!
//! Functions are known where they are called, as long as their number is bounded by the text of
//! the program. It is not where a function captures another of its own code, again and again:
//! continuations, functions composed in a loop, functions returned by a recursion. The *site* where
//! such functions cross from one graph to another is then widened: what crosses it is a function
//! value of a [`Class`], made by `closure` and called by `apply`.
//!
//! A class has the parameters and the result that its uses give it: calls widen the parameters,
//! members widen the result, and where two classes meet they become one. All of this is kept
//! between attempts at a program and only grows, so it ends; within an attempt it does not change.
//!
//! The type of a class is that of the leaves of its parameters and of its result. A function that
//! is known there and captures a function of the class would make that type infinite; its site is
//! widened too. What is still infinite has no type ([`Flaw::Infinite`]).

use std::collections::BTreeMap;

use crate::graph::{GraphId, NodeId};
use crate::span::Span;
use crate::types::Type;

use super::instance::result_type;
use super::nesting::{Path, code_of, rewrite, step};
use super::value::{Abs, Clash, Func};

/// Functions of one type, known only at run time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Class(u32);

/// Where values cross from one graph to another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Site {
    /// A free variable or parameter of a function, by number.
    Input { graph: GraphId, input: usize },
    /// What a function of the language itself carries or takes, by number.
    Carried { kind: &'static str, input: usize },
    /// A variable of a loop.
    State { graph: GraphId, node: NodeId, index: usize },
    /// The result of a function.
    Result(GraphId),
    /// A parameter of a class.
    Param(Class, usize),
    /// The result of a class.
    Output(Class),
}

/// What is known of a class.
#[derive(Debug)]
struct Info {
    /// The code that the class was made for, its name, and where.
    code: Option<GraphId>,
    name: String,
    span: Span,
    /// The class in whose parameters or result it occurs.
    parent: Option<Class>,
    /// `None` as long as no call of a member has been seen.
    params: Option<Vec<Abs>>,
    result: Abs,
    ty: Type,
    /// Another class that this one has become.
    same: Option<Class>,
}

/// Why a class has no type.
#[derive(Debug)]
pub(super) enum Flaw {
    /// Its members are used in ways that have nothing in common.
    Clash(Clash),
    /// They take a different number of arguments.
    Arity(usize, usize),
    /// It is part of its own type.
    Infinite(Class),
    /// There are too many classes.
    Many,
}

/// All classes, and the sites that are widened.
#[derive(Debug, Default)]
pub(super) struct Classes {
    infos: Vec<Info>,
    sites: BTreeMap<Site, BTreeMap<Path, Class>>,
}

/// Classes of one program.
const MAX_CLASSES: usize = 256;

/// A class whose type is being found, and the function on the way from it to the next.
struct Visit {
    class: Class,
    through: Option<(Site, Path)>,
}

/// A class that is part of its own type.
enum Cycle {
    /// Unless this site is widened.
    Through(Site, Path),
    /// By its parameters and results alone.
    Of(Class),
}

impl Classes {
    /// Widens what crosses a site at a path.
    pub(super) fn add(
        &mut self,
        site: Site,
        path: Path,
        code: Option<GraphId>,
        (name, span): (String, Span),
    ) -> Result<(), Flaw> {
        self.insert(site, path, code, (name, span))?;
        self.settle()
    }

    /// Functions of one code that occur in the type of their own class are of that class.
    fn insert(
        &mut self,
        site: Site,
        path: Path,
        code: Option<GraphId>,
        (name, span): (String, Span),
    ) -> Result<(), Flaw> {
        let parent = match site {
            Site::Param(class, _) | Site::Output(class) => Some(class),
            Site::Input { .. } | Site::Carried { .. } | Site::State { .. } | Site::Result(_) => None,
        };
        let mut above = parent;
        while let (Some(class), Some(_)) = (above, code) {
            if self.info(class).code == code {
                self.sites.entry(site).or_default().insert(path, class);
                return Ok(());
            }
            above = self.info(class).parent;
        }
        if self.infos.len() >= MAX_CLASSES {
            return Err(Flaw::Many);
        }
        let class = Class(self.infos.len() as u32);
        let ty = Type::function(Vec::new(), Type::unit());
        self.infos.push(Info { code, name, span, parent, params: None, result: Abs::Bottom, ty, same: None });
        self.sites.entry(site).or_default().insert(path, class);
        Ok(())
    }

    /// Whether a site is widened anywhere.
    pub(super) fn widens(&self, site: &Site) -> bool {
        self.sites.contains_key(site)
    }

    /// What crosses a site, in its widened form.
    pub(super) fn widen(&self, site: &Site, abs: Abs) -> Abs {
        let Some(paths) = self.sites.get(site) else { return abs };
        rewrite(&abs, &mut Path::new(), &mut |path, _| paths.get(path).map(|&class| self.abs(class)))
    }

    fn find(&self, class: Class) -> Class {
        let mut class = class;
        while let Some(same) = self.infos[class.0 as usize].same {
            class = same;
        }
        class
    }

    fn info(&self, class: Class) -> &Info {
        &self.infos[self.find(class).0 as usize]
    }

    fn info_mut(&mut self, class: Class) -> &mut Info {
        let class = self.find(class);
        &mut self.infos[class.0 as usize]
    }

    /// A member in abstract.
    pub(super) fn abs(&self, class: Class) -> Abs {
        Abs::Dyn(self.find(class), self.ty(class))
    }

    /// The type of the members.
    pub(super) fn ty(&self, class: Class) -> Type {
        self.info(class).ty.clone()
    }

    /// What the members take, if a call of one has been seen.
    pub(super) fn params(&self, class: Class) -> Option<Vec<Abs>> {
        self.info(class).params.clone()
    }

    /// What the members return.
    pub(super) fn result(&self, class: Class) -> Abs {
        self.info(class).result.clone()
    }

    /// The code that the class was made for, and where.
    pub(super) fn origin(&self, class: Class) -> (String, Span) {
        let info = self.info(class);
        (info.name.clone(), info.span)
    }

    /// A call of a member; says whether it is news.
    pub(super) fn called(&mut self, class: Class, args: Vec<Abs>) -> Result<bool, Flaw> {
        let args = args.into_iter().enumerate();
        let args: Vec<Abs> = args.map(|(i, abs)| self.widen(&Site::Param(self.find(class), i), abs)).collect();
        let joined = match self.params(class) {
            None => args,
            Some(params) if params.len() != args.len() => return Err(Flaw::Arity(params.len(), args.len())),
            Some(params) => {
                let both = params.iter().zip(&args);
                both.map(|(a, b)| self.join(a, b)).collect::<Result<_, _>>().map_err(Flaw::Clash)?
            }
        };
        if self.params(class).as_ref() == Some(&joined) {
            return Ok(false);
        }
        self.info_mut(class).params = Some(joined);
        self.settle().map(|()| true)
    }

    /// A result of a member; says whether it is news.
    pub(super) fn returned(&mut self, class: Class, result: Abs) -> Result<bool, Flaw> {
        let result = self.widen(&Site::Output(self.find(class)), result);
        let joined = self.join(&self.result(class), &result).map_err(Flaw::Clash)?;
        if self.result(class) == joined {
            return Ok(false);
        }
        self.info_mut(class).result = joined;
        self.settle().map(|()| true)
    }

    /// What holds of both, after the classes in them have been made one where they meet.
    fn join(&mut self, a: &Abs, b: &Abs) -> Result<Abs, Clash> {
        let (mut a, mut b) = (a.clone(), b.clone());
        loop {
            match a.join(&b) {
                Err(Clash { classes: Some((x, y)), .. }) => self.link(x, y)?,
                done => return done,
            }
            (a, b) = (self.current(&a), self.current(&b));
        }
    }

    /// Makes two classes one.
    pub(super) fn unify(&mut self, a: Class, b: Class) -> Result<(), Flaw> {
        self.link(a, b).map_err(Flaw::Clash)?;
        self.settle()
    }

    fn link(&mut self, a: Class, b: Class) -> Result<(), Clash> {
        let (a, b) = (self.find(a), self.find(b));
        if a == b {
            return Ok(());
        }
        let (a, b) = (a.min(b), a.max(b));
        let (params, result) = (self.params(b), self.result(b));
        self.infos[b.0 as usize].same = Some(a);
        let joined = match (self.params(a), params) {
            (Some(p), Some(q)) if p.len() != q.len() => {
                let words = |n: usize| format!("a function of {n}");
                return Err(Clash { left: words(p.len()), right: words(q.len()), classes: None });
            }
            (Some(p), Some(q)) => Some(p.iter().zip(&q).map(|(x, y)| self.join(x, y)).collect::<Result<_, _>>()?),
            (p, q) => p.or(q),
        };
        let result = self.join(&self.result(a), &result)?;
        let info = self.info_mut(a);
        (info.params, info.result) = (joined, result);
        Ok(())
    }

    /// The abstract value with the classes that hold now.
    fn current(&self, abs: &Abs) -> Abs {
        rewrite(abs, &mut Path::new(), &mut |_, abs| match abs {
            Abs::Dyn(class, _) => Some(self.abs(*class)),
            _ => None,
        })
    }

    /// Brings sites, parameters, results and types up to date.
    fn settle(&mut self) -> Result<(), Flaw> {
        loop {
            self.merge_sites().map_err(Flaw::Clash)?;
            match self.retype() {
                Ok(()) => return Ok(()),
                Err(Cycle::Of(class)) => return Err(Flaw::Infinite(class)),
                Err(Cycle::Through(site, path)) => {
                    let (Site::Param(class, _) | Site::Output(class)) = site else {
                        panic!("types of classes pass through sites of classes")
                    };
                    let origin = self.origin(class);
                    self.insert(site, path, None, origin)?;
                    self.widen_own(class);
                }
            }
        }
    }

    /// Widens parameters and result of a class at its sites.
    fn widen_own(&mut self, class: Class) {
        let params = self.params(class).map(|params| {
            let params = params.into_iter().enumerate();
            params.map(|(i, abs)| self.widen(&Site::Param(class, i), abs)).collect()
        });
        let result = self.widen(&Site::Output(class), self.result(class));
        let info = self.info_mut(class);
        (info.params, info.result) = (params, result);
    }

    /// Sites of classes that have become one are one.
    fn merge_sites(&mut self) -> Result<(), Clash> {
        loop {
            let mut clash = None;
            let mut merged: BTreeMap<Site, BTreeMap<Path, Class>> = BTreeMap::new();
            for (site, paths) in &self.sites {
                let site = match site {
                    Site::Param(class, i) => Site::Param(self.find(*class), *i),
                    Site::Output(class) => Site::Output(self.find(*class)),
                    other => other.clone(),
                };
                let own = merged.entry(site).or_default();
                for (path, &class) in paths {
                    let class = self.find(class);
                    let old = own.entry(path.clone()).or_insert(class);
                    if *old != class {
                        clash = Some((*old, class));
                    }
                }
            }
            self.sites = merged;
            match clash {
                Some((a, b)) => self.link(a, b)?,
                None => break,
            }
        }
        for i in 0..self.infos.len() {
            if self.infos[i].same.is_none() {
                self.widen_own(Class(i as u32));
            }
        }
        Ok(())
    }

    /// Finds the type of every class.
    fn retype(&mut self) -> Result<(), Cycle> {
        let mut types = vec![None; self.infos.len()];
        for i in 0..self.infos.len() {
            if self.infos[i].same.is_none() {
                self.type_of(Class(i as u32), &mut types, &mut Vec::new())?;
            }
        }
        for (info, ty) in self.infos.iter_mut().zip(types) {
            info.ty = ty.unwrap_or(Type::Unknown);
        }
        for i in 0..self.infos.len() {
            let class = Class(i as u32);
            let params = self.infos[i].params.clone();
            let params = params.map(|params| params.iter().map(|abs| self.current(abs)).collect());
            let result = self.current(&self.infos[i].result);
            let info = &mut self.infos[class.0 as usize];
            (info.params, info.result) = (params, result);
        }
        Ok(())
    }

    fn type_of(&self, class: Class, types: &mut [Option<Type>], way: &mut Vec<Visit>) -> Result<Type, Cycle> {
        if let Some(done) = &types[class.0 as usize] {
            return Ok(done.clone());
        }
        if let Some(start) = way.iter().position(|visit| visit.class == class) {
            let through = way[start..].iter().find_map(|visit| visit.through.clone());
            return Err(through.map_or(Cycle::Of(class), |(site, path)| Cycle::Through(site, path)));
        }
        way.push(Visit { class, through: None });
        let mut params = Vec::new();
        for (i, abs) in self.params(class).unwrap_or_default().iter().enumerate() {
            let site = Site::Param(class, i);
            self.leaf_types(abs, (&site, &mut Path::new()), &mut params, types, way)?;
        }
        let mut result = Vec::new();
        let site = Site::Output(class);
        self.leaf_types(&self.result(class), (&site, &mut Path::new()), &mut result, types, way)?;
        way.pop();
        let ty = Type::function(params, result_type(&result));
        types[class.0 as usize] = Some(ty.clone());
        Ok(ty)
    }

    /// Types of leaves, those of classes as they come out.
    fn leaf_types(
        &self,
        abs: &Abs,
        (site, path): (&Site, &mut Path),
        out: &mut Vec<Type>,
        types: &mut [Option<Type>],
        way: &mut Vec<Visit>,
    ) -> Result<(), Cycle> {
        match abs {
            Abs::Dyn(class, _) => {
                out.push(self.type_of(self.find(*class), types, way)?);
                Ok(())
            }
            Abs::Func(_) | Abs::Choice(_) => {
                let visit = way.last_mut().expect("the class whose type this is part of");
                let outermost = visit.through.is_none();
                if outermost {
                    visit.through = Some((site.clone(), path.clone()));
                }
                let options: &[Func<Abs>] = match abs {
                    Abs::Func(f) => std::slice::from_ref(f),
                    Abs::Choice(options) => {
                        out.push(Type::i64());
                        options
                    }
                    _ => unreachable!("one of the two"),
                };
                for f in options {
                    for (i, part) in f.parts().into_iter().enumerate() {
                        path.push(step(code_of(f), i));
                        self.leaf_types(part, (site, path), out, types, way)?;
                        path.pop();
                    }
                }
                if outermost {
                    way.last_mut().expect("as above").through = None;
                }
                Ok(())
            }
            Abs::Slice(items) | Abs::Tuple(items) | Abs::Record(_, items) | Abs::Range(items) | Abs::Zip(items) => {
                for (i, item) in items.iter().enumerate() {
                    path.push(step(None, i));
                    self.leaf_types(item, (site, path), out, types, way)?;
                    path.pop();
                }
                Ok(())
            }
            other => {
                other.leaves(out);
                Ok(())
            }
        }
    }
}
