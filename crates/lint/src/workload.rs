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
    /// Where it is mounted, unless a volume of its own stands between.
    pub(crate) path: Option<String>,
}

/// Variables that it gets and whose values are not known here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Unknown {
    /// Of any name: a file that cannot be read, a ConfigMap that is elsewhere.
    pub(crate) any: bool,
    pub(crate) names: Vec<String>,
}

impl Unknown {
    /// Whether this variable may have a value that nobody here knows.
    pub(crate) fn may_hold(&self, name: &str) -> bool {
        self.any || self.names.iter().any(|known| known == name)
    }
}

/// By what a running container is found and compared, beside the rest.
#[derive(Debug, Clone, Default)]
pub(crate) struct Declared {
    /// The name of the service or container, as labels of a running one spell it.
    pub(crate) key: String,
    /// What it is a part of: the pod's owner, the task's family; or the name it is given.
    pub(crate) owner: Option<String>,
    /// Limit and swap together.
    pub(crate) swap: Swap,
    /// `on-failure:3`
    pub(crate) restart: Option<Word>,
    /// `true`, `false`
    pub(crate) init: Option<Word>,
    /// In whole seconds.
    pub(crate) stop_grace: Option<(u64, Place)>,
}

/// What may be in memory and swap together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Swap {
    /// Nothing is said.
    #[default]
    Nothing,
    /// Something that is not known here.
    Open,
    /// As much swap as there is.
    Unlimited(Place),
    /// This much.
    At(Bytes, Place),
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
    pub(crate) unknown: Unknown,
    /// What the image's own file sets, where this one only names it: findings about that file are its own.
    pub(crate) inherited: Inherited,
    /// The words of the main process, as far as the file says.
    pub(crate) command: Vec<Word>,
    /// How many of them are the entrypoint's; the rest is the command.
    pub(crate) entrypoint: usize,
    /// Some of them are not known here, or hold what is not.
    pub(crate) is_command_open: bool,
    /// Files that are written into it by the file itself.
    pub(crate) files: Vec<Word>,
    pub(crate) scratch: Vec<Scratch>,
    /// Paths on which something of outside is mounted.
    pub(crate) mounts: Vec<String>,
    /// A file of its own makes its image, and may have put any configuration into it.
    pub(crate) is_built: bool,
    /// Only a part of it is here (a patch, a template): what is missing may stand elsewhere.
    pub(crate) is_partial: bool,
    /// It may run only on these processors.
    pub(crate) is_pinned: bool,
    /// An init of the runtime is its first process.
    pub(crate) has_init: bool,
    /// It ends by itself.
    pub(crate) is_short: bool,
    pub(crate) compose: Compose,
    /// Kubernetes: how it declares itself critical.
    pub(crate) critical: Option<Word>,
    pub(crate) declared: Declared,
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
            unknown: Unknown::default(),
            inherited: Inherited::default(),
            command: Vec::new(),
            entrypoint: 0,
            is_command_open: false,
            files: Vec::new(),
            scratch: Vec::new(),
            mounts: Vec::new(),
            is_built: false,
            is_partial: false,
            is_pinned: false,
            has_init: false,
            is_short: false,
            compose: Compose::default(),
            critical: None,
            declared: Declared::default(),
        }
    }

    /// Of what is only here in part nothing is missing for certain.
    pub(crate) fn in_part(mut self) -> Self {
        self.is_partial = true;
        self.unknown.any = true;
        self.is_command_open |= self.command.is_empty();
        for amount in [&mut self.limit, &mut self.reserved] {
            if amount.is_nothing() {
                *amount = Stated::Open(self.place.clone());
            }
        }
        self
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
