//! The operations as a table: method, path, what goes in, what comes out, and why it may be refused
//! (TS 29.392 §6.1.3, §6.2.4, §6.3, §6.4.3).

use http::Method;
use serde_json::Value;

use crate::attribute::Components;
use crate::problem::Cause;

/// One of the APIs of TS 29.392 §5.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Api {
    /// MMTel_DCAppManagement (TS 29.392 §6.1).
    DcAppManagement,
    /// MMTel_DCAppCall (TS 29.392 §6.2).
    DcAppCall,
    /// MMTel_CallEvent (TS 29.392 §6.3).
    CallEvent,
    /// MMTel_CallControl (TS 29.392 §6.4).
    CallControl,
}

impl Api {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::DcAppManagement,
        Self::DcAppCall,
        Self::CallEvent,
        Self::CallControl,
    ];

    /// The name of the service.
    pub fn service(self) -> &'static str {
        match self {
            Self::DcAppManagement => "MMTel_DCAppManagement",
            Self::DcAppCall => "MMTel_DCAppCall",
            Self::CallEvent => "MMTel_CallEvent",
            Self::CallControl => "MMTel_CallControl",
        }
    }

    /// The name in URIs, and in the scopes of tokens.
    pub fn name(self) -> &'static str {
        match self {
            Self::DcAppManagement => "mmtel-dcappmgmt",
            Self::DcAppCall => "mmtel-dcappcall",
            // Clause 6.3.1 has "callevnt", table 5.1-1 and the annex have this.
            Self::CallEvent => "mmtel-callevent",
            Self::CallControl => "mmtel-callcontrol",
        }
    }

    /// What every path of it begins with, after the apiRoot (TS 29.122 §5.2.4).
    pub fn base(self) -> String {
        format!("/{}/v1", self.name())
    }

    /// What one may do there.
    pub fn operations(self) -> &'static [Operation] {
        match self {
            Self::DcAppManagement => crate::operations::dc_app_management::OPERATIONS,
            Self::DcAppCall => crate::operations::dc_app_call::OPERATIONS,
            Self::CallEvent => crate::operations::call_event::OPERATIONS,
            Self::CallControl => crate::operations::call_control::OPERATIONS,
        }
    }
}

/// Gives the schema of a type.
pub type Schema = fn(&mut Components) -> Value;

/// Something that a consumer may ask for.
#[derive(Debug)]
pub struct Operation {
    /// Its name in the OpenAPI document.
    pub id: &'static str,
    /// What it is for, in a line.
    pub summary: &'static str,
    /// The heading under which the document lists it.
    pub tag: &'static str,
    /// The method.
    pub method: Method,
    /// The path, after [`Api::base`]; `{sessionId}` stands for one segment.
    pub path: &'static str,
    /// The body that it takes.
    pub body: Option<Body>,
    /// How it succeeds.
    pub answers: &'static [Answer],
    /// The redirections and errors that TS 29.392 lists; any other error may come too.
    pub others: &'static [u16],
    /// The causes of its own errors, with their statuses.
    pub causes: &'static [(u16, Cause)],
    /// The notifications that follow from it.
    pub callback: Option<&'static Callback>,
}

/// A body and its media type.
#[derive(Debug)]
pub struct Body {
    /// The only media type that is taken.
    pub media_type: &'static str,
    /// Its schema.
    pub schema: Schema,
}

/// One way in which an operation succeeds.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// What it says, in a line.
    pub description: &'static str,
    /// The schema of the JSON body, when it has one.
    pub schema: Option<Schema>,
    /// Whether it has a Location.
    pub location: bool,
}

/// What the enabler sends to a URI of the consumer.
#[derive(Debug)]
pub struct Callback {
    /// Its name in the document.
    pub name: &'static str,
    /// Where the URI comes from, as a runtime expression of OpenAPI.
    pub expression: &'static str,
    /// What is sent.
    pub schema: Schema,
    /// How the consumer answers when it is well.
    pub answers: &'static [Answer],
    /// The other answers that TS 29.392 lists.
    pub others: &'static [u16],
    /// The causes of errors that TS 29.392 gives it.
    pub causes: &'static [(u16, Cause)],
}

impl Body {
    pub(crate) const fn json(schema: Schema) -> Self {
        Self {
            media_type: "application/json",
            schema,
        }
    }
}

impl Answer {
    pub(crate) const fn ok(description: &'static str, schema: Schema) -> Self {
        Self {
            status: 200,
            description,
            schema: Some(schema),
            location: false,
        }
    }

    pub(crate) const fn no_content(description: &'static str) -> Self {
        Self {
            status: 204,
            description,
            schema: None,
            location: false,
        }
    }
}
