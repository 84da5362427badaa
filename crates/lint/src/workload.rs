//! What runs by a file, whatever the file's kind: a service, a container, an image's main process.
//!
//! The readers of the four kinds fill it, the rules look at nothing else. What a file leaves open (a
//! template, a variable without a default) is [`Stated::Open`]: nothing is concluded from it.

use casefile::Bytes;

use crate::place::Place;

/// The kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Platform {
    Compose,
    Dockerfile,
    Kubernetes,
    Ecs,
}

/// What a file says about an amount.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Stated {
    /// Nothing.
    #[default]
    Nothing,
    /// Something that is not known here.
    Open(Place),
    /// This much.
    At(Bytes, Place),
}

impl Stated {
    pub(crate) fn bytes(&self) -> Option<Bytes> {
        match self {
            Self::At(bytes, _) => Some(*bytes),
            Self::Nothing | Self::Open(_) => None,
        }
    }

    pub(crate) fn place(&self) -> Option<&Place> {
        match self {
            Self::At(_, place) | Self::Open(place) => Some(place),
            Self::Nothing => None,
        }
    }

    pub(crate) fn is_nothing(&self) -> bool {
        *self == Self::Nothing
    }
}

/// A text and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    pub(crate) text: String,
    pub(crate) place: Place,
}

/// An environment variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Variable {
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) place: Place,
}

/// Memory that a file system takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scratch {
    /// `the tmpfs at /scratch`.
    pub(crate) what: String,
    pub(crate) size: Bytes,
    pub(crate) place: Place,
    /// What sets its size.
    pub(crate) setting: &'static str,
}

/// What runs.
#[derive(Debug, Clone)]
pub(crate) struct Workload {
    pub(crate) platform: Platform,
    /// As it is spoken of: ``service `api` ``.
    pub(crate) name: String,
    pub(crate) place: Place,
    /// The limit of its own cgroup, as far as the file says.
    pub(crate) limit: Stated,
    /// A limit that it shares with others, one level above.
    pub(crate) shared: Stated,
    /// A reservation or request: it limits nothing.
    pub(crate) reserved: Stated,
    pub(crate) image: Option<String>,
    pub(crate) environment: Vec<Variable>,
    /// What the image's own file sets, where this one only names it: findings about that file are its own.
    pub(crate) inherited: Inherited,
    /// The words of the main process, as far as the file says.
    pub(crate) command: Vec<Word>,
    /// Files that are written into it by the file itself.
    pub(crate) files: Vec<Word>,
    pub(crate) scratch: Vec<Scratch>,
    /// It may run only on these processors.
    pub(crate) is_pinned: bool,
    /// An init of the runtime is its first process.
    pub(crate) has_init: bool,
    /// It ends by itself.
    pub(crate) is_short: bool,
    pub(crate) compose: Compose,
    /// Kubernetes: how it declares itself critical.
    pub(crate) critical: Option<Word>,
}

/// What an image brings.
#[derive(Debug, Clone, Default)]
pub(crate) struct Inherited {
    pub(crate) environment: Vec<Variable>,
    pub(crate) command: Vec<Word>,
}

/// What only Compose says.
#[derive(Debug, Clone, Default)]
pub(crate) struct Compose {
    pub(crate) mem_limit: Stated,
    /// `deploy.resources.limits`, where it stands.
    pub(crate) deploy_limits: Option<Place>,
    pub(crate) deploy_memory: Stated,
    /// The file's `version`, where it is one of the third line.
    pub(crate) third_version: Option<Word>,
    /// Some service has what only a swarm reads.
    pub(crate) is_for_swarm: bool,
    /// A policy that starts it again without end.
    pub(crate) restart: Option<Word>,
}

impl Workload {
    pub(crate) fn new(platform: Platform, name: String, place: Place) -> Self {
        Self {
            platform,
            name,
            place,
            limit: Stated::Nothing,
            shared: Stated::Nothing,
            reserved: Stated::Nothing,
            image: None,
            environment: Vec::new(),
            inherited: Inherited::default(),
            command: Vec::new(),
            files: Vec::new(),
            scratch: Vec::new(),
            is_pinned: false,
            has_init: false,
            is_short: false,
            compose: Compose::default(),
            critical: None,
        }
    }

    /// The tightest limit that is known.
    pub(crate) fn effective(&self) -> Option<(Bytes, &Place)> {
        let known = |stated: &'_ Stated| stated.bytes();
        match (known(&self.limit), known(&self.shared)) {
            (Some(own), Some(shared)) if shared < own => Some((shared, self.shared.place()?)),
            (Some(own), _) => Some((own, self.limit.place()?)),
            (None, Some(shared)) => Some((shared, self.shared.place()?)),
            (None, None) => None,
        }
    }
}
