"""The operators in a Dag of your own: here a triage that a person starts with the failed Dag and run as parameters."""

from airflow.sdk import DAG, Param

from airflow_agentic.operators.triage import DeliverOperator, InvestigateOperator, ReviewOperator, ValidateOperator

with DAG(
    "operators_by_hand",
    schedule=None,
    tags=["agentic"],
    params={"dag_id": Param("", type="string"), "run_id": Param("", type="string")},
) as dag:
    investigate = InvestigateOperator(
        task_id="investigate", failed_dag_id="{{ params.dag_id }}", failed_run_id="{{ params.run_id }}"
    )
    incident_id = "{{ ti.xcom_pull(task_ids='investigate') }}"
    validate = ValidateOperator(task_id="validate", incident_id=incident_id)
    review = ReviewOperator(task_id="review", incident_id=incident_id)
    deliver = DeliverOperator(task_id="deliver", incident_id=incident_id)
    investigate >> validate >> review >> deliver
