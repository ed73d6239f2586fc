//! Sources, targets and stores behind one type, for assemblies that choose them at run time: one boxed future a call.

use std::any::Any;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::engine::commands::{Commands, Order, Waiting};
use crate::engine::event_log::EventLog;
use crate::engine::ledger::Ledger;
use crate::engine::permit::{Permit, StoreError};
use crate::engine::ports::{Failure, FormationReading, MetricSource, Reading, ScaleTarget};
use crate::engine::store::StateStore;
use crate::model::event::Event;
use crate::model::time::Timestamp;
use crate::model::warning::Warning;

type Boxed<'a, T, E = Failure> = Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'a>>;

/// A [`MetricSource`] of any type.
pub struct AnySource(Box<dyn DynSource>);

impl AnySource {
    /// Erases the type of a source.
    pub fn new(source: impl MetricSource) -> Self {
        Self(Box::new(source))
    }
}

impl fmt::Debug for AnySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AnySource")
    }
}

impl MetricSource for AnySource {
    async fn samples(&mut self, from: Timestamp, to: Timestamp) -> Result<Reading, Failure> {
        self.0.samples(from, to).await
    }

    fn acknowledge(&mut self, seq: u64) {
        self.0.acknowledge(seq);
    }

    fn warnings(&mut self) -> Vec<Warning> {
        self.0.warnings()
    }

    fn take_over(&mut self, earlier: Box<dyn Any + Send>) {
        let earlier = match earlier.downcast::<Self>() {
            Ok(erased) => erased.0.into_any(),
            Err(plain) => plain,
        };
        self.0.take_over(earlier);
    }
}

trait DynSource: Send {
    fn samples(&mut self, from: Timestamp, to: Timestamp) -> Boxed<'_, Reading>;
    fn acknowledge(&mut self, seq: u64);
    fn warnings(&mut self) -> Vec<Warning>;
    fn take_over(&mut self, earlier: Box<dyn Any + Send>);
    fn into_any(self: Box<Self>) -> Box<dyn Any + Send>;
}

impl<M: MetricSource> DynSource for M {
    fn samples(&mut self, from: Timestamp, to: Timestamp) -> Boxed<'_, Reading> {
        Box::pin(MetricSource::samples(self, from, to))
    }

    fn acknowledge(&mut self, seq: u64) {
        MetricSource::acknowledge(self, seq);
    }

    fn warnings(&mut self) -> Vec<Warning> {
        MetricSource::warnings(self)
    }

    fn take_over(&mut self, earlier: Box<dyn Any + Send>) {
        MetricSource::take_over(self, earlier);
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any + Send> {
        self
    }
}

/// A [`ScaleTarget`] of any type.
pub struct AnyTarget(Box<dyn DynTarget>);

impl AnyTarget {
    /// Erases the type of a target.
    pub fn new(target: impl ScaleTarget) -> Self {
        Self(Box::new(target))
    }
}

impl fmt::Debug for AnyTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AnyTarget")
    }
}

impl ScaleTarget for AnyTarget {
    async fn formation(&mut self) -> Result<FormationReading, Failure> {
        self.0.formation().await
    }

    async fn scale(&mut self, quantity: u32, permit: &Permit) -> Result<u32, Failure> {
        self.0.scale(quantity, permit).await
    }

    fn warnings(&mut self) -> Vec<Warning> {
        self.0.warnings()
    }
}

trait DynTarget: Send {
    fn formation(&mut self) -> Boxed<'_, FormationReading>;
    fn scale<'a>(&'a mut self, quantity: u32, permit: &'a Permit) -> Boxed<'a, u32>;
    fn warnings(&mut self) -> Vec<Warning>;
}

impl<T: ScaleTarget> DynTarget for T {
    fn formation(&mut self) -> Boxed<'_, FormationReading> {
        Box::pin(ScaleTarget::formation(self))
    }

    fn scale<'a>(&'a mut self, quantity: u32, permit: &'a Permit) -> Boxed<'a, u32> {
        Box::pin(ScaleTarget::scale(self, quantity, permit))
    }

    fn warnings(&mut self) -> Vec<Warning> {
        ScaleTarget::warnings(self)
    }
}

/// A [`StateStore`] of any type.
pub struct AnyStore(Box<dyn DynStore>);

impl AnyStore {
    /// Erases the type of a store.
    pub fn new(store: impl StateStore) -> Self {
        Self(Box::new(store))
    }
}

impl fmt::Debug for AnyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AnyStore")
    }
}

impl StateStore for AnyStore {
    async fn claim(&mut self) -> Result<(), StoreError> {
        self.0.claim().await
    }

    async fn load(&mut self) -> Result<Option<Ledger>, StoreError> {
        self.0.load().await
    }

    fn settles_in(&self) -> Duration {
        self.0.settles_in()
    }

    async fn save_intent(&mut self, ledger: &Ledger) -> Result<Permit, StoreError> {
        self.0.save_intent(ledger).await
    }

    async fn save(&mut self, ledger: &Ledger) -> Result<(), StoreError> {
        self.0.save(ledger).await
    }

    fn warnings(&mut self) -> Vec<Warning> {
        self.0.warnings()
    }
}

trait DynStore: Send {
    fn claim(&mut self) -> Boxed<'_, (), StoreError>;
    fn load(&mut self) -> Boxed<'_, Option<Ledger>, StoreError>;
    fn settles_in(&self) -> Duration;
    fn save_intent<'a>(&'a mut self, ledger: &'a Ledger) -> Boxed<'a, Permit, StoreError>;
    fn save<'a>(&'a mut self, ledger: &'a Ledger) -> Boxed<'a, (), StoreError>;
    fn warnings(&mut self) -> Vec<Warning>;
}

impl<S: StateStore> DynStore for S {
    fn claim(&mut self) -> Boxed<'_, (), StoreError> {
        Box::pin(StateStore::claim(self))
    }

    fn load(&mut self) -> Boxed<'_, Option<Ledger>, StoreError> {
        Box::pin(StateStore::load(self))
    }

    fn settles_in(&self) -> Duration {
        StateStore::settles_in(self)
    }

    fn save_intent<'a>(&'a mut self, ledger: &'a Ledger) -> Boxed<'a, Permit, StoreError> {
        Box::pin(StateStore::save_intent(self, ledger))
    }

    fn save<'a>(&'a mut self, ledger: &'a Ledger) -> Boxed<'a, (), StoreError> {
        Box::pin(StateStore::save(self, ledger))
    }

    fn warnings(&mut self) -> Vec<Warning> {
        StateStore::warnings(self)
    }
}

/// An [`EventLog`] of any type.
pub struct AnyEventLog(Box<dyn DynEventLog>);

impl AnyEventLog {
    /// Erases the type of a log.
    pub fn new(log: impl EventLog) -> Self {
        Self(Box::new(log))
    }
}

impl fmt::Debug for AnyEventLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AnyEventLog")
    }
}

impl EventLog for AnyEventLog {
    fn name(&self) -> String {
        self.0.name()
    }

    async fn append(&mut self, event: Arc<Event>) -> Result<(), StoreError> {
        self.0.append(event).await
    }

    async fn read_newest(&mut self, most: u64) -> Result<String, StoreError> {
        self.0.read_newest(most).await
    }

    fn warnings(&mut self) -> Vec<Warning> {
        self.0.warnings()
    }
}

/// An app's log of events, which the loop's builder and those who write it have in common: locked for one line, or one
/// reading.
#[derive(Clone, Debug)]
pub struct SharedEventLog {
    name: Arc<str>,
    log: Arc<tokio::sync::Mutex<AnyEventLog>>,
}

impl SharedEventLog {
    /// Of a log.
    pub fn new(log: AnyEventLog) -> Self {
        Self { name: EventLog::name(&log).into(), log: Arc::new(tokio::sync::Mutex::new(log)) }
    }

    /// What it is called in a sentence.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The log, once nobody else has it.
    pub async fn lock(&self) -> tokio::sync::MutexGuard<'_, AnyEventLog> {
        self.log.lock().await
    }
}

trait DynEventLog: Send {
    fn name(&self) -> String;
    fn append(&mut self, event: Arc<Event>) -> Boxed<'_, (), StoreError>;
    fn read_newest(&mut self, most: u64) -> Boxed<'_, String, StoreError>;
    fn warnings(&mut self) -> Vec<Warning>;
}

impl<L: EventLog> DynEventLog for L {
    fn name(&self) -> String {
        EventLog::name(self)
    }

    fn append(&mut self, event: Arc<Event>) -> Boxed<'_, (), StoreError> {
        Box::pin(EventLog::append(self, event))
    }

    fn read_newest(&mut self, most: u64) -> Boxed<'_, String, StoreError> {
        Box::pin(EventLog::read_newest(self, most))
    }

    fn warnings(&mut self) -> Vec<Warning> {
        EventLog::warnings(self)
    }
}

/// [`Commands`] of any type.
pub struct AnyCommands(Box<dyn DynCommands>);

impl AnyCommands {
    /// Erases the type.
    pub fn new(commands: impl Commands) -> Self {
        Self(Box::new(commands))
    }
}

impl fmt::Debug for AnyCommands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AnyCommands")
    }
}

impl Commands for AnyCommands {
    async fn put(&mut self, order: Order) -> Result<(), StoreError> {
        self.0.put(order).await
    }

    async fn waiting(&mut self) -> Result<Vec<Waiting>, StoreError> {
        self.0.waiting().await
    }

    async fn done(&mut self, id: &str) -> Result<(), StoreError> {
        self.0.done(id).await
    }

    fn warnings(&mut self) -> Vec<Warning> {
        self.0.warnings()
    }
}

trait DynCommands: Send {
    fn put(&mut self, order: Order) -> Boxed<'_, (), StoreError>;
    fn waiting(&mut self) -> Boxed<'_, Vec<Waiting>, StoreError>;
    fn done<'a>(&'a mut self, id: &'a str) -> Boxed<'a, (), StoreError>;
    fn warnings(&mut self) -> Vec<Warning>;
}

impl<C: Commands> DynCommands for C {
    fn put(&mut self, order: Order) -> Boxed<'_, (), StoreError> {
        Box::pin(Commands::put(self, order))
    }

    fn waiting(&mut self) -> Boxed<'_, Vec<Waiting>, StoreError> {
        Box::pin(Commands::waiting(self))
    }

    fn done<'a>(&'a mut self, id: &'a str) -> Boxed<'a, (), StoreError> {
        Box::pin(Commands::done(self, id))
    }

    fn warnings(&mut self) -> Vec<Warning> {
        Commands::warnings(self)
    }
}
